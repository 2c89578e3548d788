// What a Kubernetes client needs to try a token: an https server that says who came. Prints its port.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const [key, cert] = process.argv.slice(2).map((file) => readFileSync(file));
const server = createServer({ key, cert }, (request, response) => {
  const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  response.statusCode = token === "" ? 401 : 200;
  response.end(token);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
