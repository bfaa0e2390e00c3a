import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { JWK } from 'jose'

const reservedPrefix = '/.pagepass/'

/**
 * The public listener. Whatever Node would treat in a way of its own (upgrades, CONNECT, bytes that are no HTTP) is
 * answered and closed here; everything else goes through `handle`.
 */
export const createProxyServer = (
  handle: (request: IncomingMessage, response: import('node:http').ServerResponse) => void,
  upgradeRefused: (request: IncomingMessage, status: number) => void,
  publicKeys: readonly JWK[],
): Server => {
  const jwks = `${JSON.stringify({ keys: publicKeys })}\n`
  const server = createServer(
    { maxHeaderSize: 16_384, requestTimeout: 0, keepAliveTimeout: 65_000 },
    (request, response) => {
      if (request.url?.startsWith(reservedPrefix)) {
        const found = request.url === `${reservedPrefix}jwks.json` && request.method === 'GET'
        response.writeHead(found ? 200 : 404, {
          'content-type': 'application/json',
          'cache-control': 'max-age=60',
        })
        response.end(found ? jwks : '{}\n')
        return
      }
      handle(request, response)
    },
  )
  server.maxHeadersCount = 101
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    upgradeRefused(request, 403)
    closeWith(socket, 403)
  })
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    upgradeRefused(request, 400)
    closeWith(socket, 400)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    closeWith(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400)
  })
  return server
}

const closeWith = (socket: Socket, status: number): void => {
  if (socket.writable)
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
  socket.destroySoon()
}
