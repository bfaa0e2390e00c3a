import { createServer } from 'node:http'

/** Answers by itself: the upstream of all, and the floor under any Node proxy. */
const body = JSON.stringify({ orders: [{ id: '1001', status: 'paid' }] })
const headers = ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))]

const server = createServer((_request, response) => {
  response.writeHead(200, headers)
  response.end(body)
})
server.keepAliveTimeout = 65_000
server.listen(Number(process.argv[2]), '127.0.0.1')
