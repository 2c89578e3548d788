// Faults before the provider, planned over HTTP by the test that started it.
//
//   POST   /__fault {"path":"/token","mode":"status","status":503,"count":3}   plans one; count -1 = until cleared
//   DELETE /__fault                                                            clears all
//
// | mode   | what the client sees                              | what the provider did |
// | status | `status`, `headers`, `body`                       | nothing               |
// | html   | 200 with a page, as a captive portal sends        | nothing               |
// | cut    | the connection ends without a reply               | nothing               |
// | delay  | the true reply, `ms` milliseconds late            | everything            |
// | drop   | the connection ends without a reply               | everything            |

const REFUSED = JSON.stringify({ error: 'server_error', error_description: 'planned by the test' });

export class Faults {
  #planned = [];

  // The fault that strikes this request, if any; each strike is counted.
  strike(path) {
    const fault = this.#planned.find((planned) => planned.count !== 0 && planned.path === path);
    if (fault && fault.count > 0) fault.count -= 1;
    return fault;
  }

  async control(req, res) {
    if (req.method === 'DELETE') {
      this.#planned = [];
    } else {
      this.#planned.push({ count: 1, status: 500, ms: 0, headers: {}, ...(await json(req)) });
    }
    res.writeHead(204).end();
  }
}

// Answers in the provider's place, or lets it answer and spoils that.
export function answer(fault, app, req, res) {
  switch (fault?.mode) {
    case undefined:
      return app(req, res);
    case 'status':
      req.resume();
      res.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      return res.end(fault.body ?? REFUSED);
    case 'html':
      req.resume();
      res.writeHead(200, { 'content-type': 'text/html' });
      return res.end('<html><body>Welcome to the guest network. Please sign in.</body></html>');
    case 'cut':
      return req.socket.destroy();
    case 'delay':
      return setTimeout(() => app(req, res), fault.ms);
    case 'drop': {
      const { socket } = req;
      // Nothing is sent before the end, so nothing of the reply has left by then.
      res.write = () => true;
      res.end = () => {
        socket.destroy();
        return res;
      };
      return app(req, res);
    }
    default:
      throw new Error(`no such fault: ${fault.mode}`);
  }
}

export async function json(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return JSON.parse(text);
}
