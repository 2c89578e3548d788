// The settings of a site are read when it runs, not when it is built.
export default { experimental: { externalDir: true }, eslint: { ignoreDuringBuilds: true } };
