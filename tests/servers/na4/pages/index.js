export default function Home() {
  return <p>A site with NextAuth v4</p>;
}
