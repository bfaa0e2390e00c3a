import { request as ask, createServer } from 'node:http'

/** A bare relay of WebSockets: the handshake is passed on, then the bytes, both ways. It decides and watches nothing. */
const upstream = { host: '127.0.0.1', port: Number(process.argv[3]) }
const server = createServer((_request, response) => response.end())
server.on('upgrade', (request, client, head) => {
  const asking = ask({ ...upstream, path: request.url, headers: request.headers })
  asking.on('error', () => client.destroy())
  asking.on('upgrade', (answer, service, early) => {
    const lines = answer.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : [],
    )
    client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
    client.write(early)
    service.write(head)
    service.on('error', () => client.destroy())
    client.on('error', () => service.destroy())
    service.pipe(client).pipe(service)
  })
  asking.end()
})
server.listen(Number(process.argv[2]), '127.0.0.1')
