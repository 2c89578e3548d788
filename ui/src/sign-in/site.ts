/** The host of an address, as people say it; the address itself where it is none. */
export function site(address: string): string {
  try {
    const { host, pathname } = new URL(address);
    // A short path belongs to what a person types: example.com/device.
    return host === "" ? address : host + (pathname.length > 1 && pathname.length <= 24 ? pathname : "");
  } catch {
    return address;
  }
}
