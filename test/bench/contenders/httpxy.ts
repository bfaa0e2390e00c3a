import { Agent, createServer } from 'node:http'
import { createProxyServer } from 'httpxy'

/** httpxy as its documentation shows it, with a keep-alive agent. */
const proxy = createProxyServer({
  target: `http://127.0.0.1:${process.argv[3]}`,
  agent: new Agent({ keepAlive: true, maxSockets: 256 }),
})
const server = createServer((request, response) => void proxy.web(request, response))
server.keepAliveTimeout = 65_000
server.listen(Number(process.argv[2]), '127.0.0.1')
