import { createServer, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

/** undici passing through, with as little around it as possible. */
const pool = new Pool(`http://127.0.0.1:${process.argv[3]}`)
const pass = (response: ServerResponse) => ({
  onConnect: () => undefined,
  onHeaders: (status: number, raw: Buffer[]) => {
    const headers: string[] = []
    for (let index = 0; index < raw.length; index += 2) {
      const name = String(raw[index])
      if (name.toLowerCase() === 'connection' || name.toLowerCase() === 'keep-alive') continue
      headers.push(name, String(raw[index + 1]))
    }
    response.writeHead(status, headers)
    return true
  },
  onData: (chunk: Buffer) => response.write(chunk),
  onComplete: () => void response.end(),
  onError: () => void response.destroy(),
})

const server = createServer((request, response) => {
  const { host: _, connection: __, ...headers } = request.headers
  pool.dispatch(
    {
      path: request.url ?? '/',
      method: request.method as Dispatcher.HttpMethod,
      headers,
      body: request.method === 'GET' ? null : request,
    },
    pass(response),
  )
})
server.keepAliveTimeout = 65_000
server.listen(Number(process.argv[2]), '127.0.0.1')
