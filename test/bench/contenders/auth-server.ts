import { createServer } from 'node:http'

/**
 * The simplest auth server there can be behind nginx's `auth_request` or Caddy's `forward_auth`: it looks the credential
 * up among those it knows, and answers 204 or 401. Anything that decides more costs more.
 */
const known = new Set([`Bearer ${process.argv[3]}`])
const server = createServer((request, response) => {
  response.writeHead(known.has(request.headers.authorization ?? '') ? 204 : 401)
  response.end()
})
server.keepAliveTimeout = 65_000
server.listen(Number(process.argv[2]), '127.0.0.1')
