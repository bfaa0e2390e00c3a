import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { openInspector } from '../../bench/inspector.ts'
import { until } from '../../builders/proxy.ts'
import { startProxyProcesses } from '../../builders/proxy-processes.ts'
import { rawClient } from '../../builders/raw-client.ts'
import { type Answering, events } from '../../builders/upstream.ts'

/** The proxy as it is run, with one process that serves, and services that answer in every bad way. */
export const startScene = async (redisUrl: string, database: number, overTls: boolean) => {
  const silent = await startSilent()
  const deaf = await startDeaf()
  const proxy = await startProxyProcesses(redisUrl, database, {
    processes: 1,
    tls: overTls,
    mend: (text) =>
      text.replace(
        'on_request:',
        `${service('silent-svc', silent.port)}${service('deaf-svc', deaf.port)}on_request:`,
      ),
  })
  const stop = async (): Promise<void> => {
    await proxy.stop()
    await silent.close()
    deaf.close()
  }
  try {
    await proxy.untilReady()
    await proxy.give({ services: ['orders-svc', 'silent-svc', 'deaf-svc'] })
    proxy.orders.answerWith(answer)
    const pid = (await proxy.ready())?.processes?.[0]?.pid
    if (pid === undefined) throw new Error('no process serves')
    const inspector = await openInspector(pid, proxy.inspectPort)
    const token = await proxy.token()
    let asked = 0
    const good = async (): Promise<number | undefined> => {
      asked += 1
      const client = rawClient(proxy.port, overTls ? 'tls' : 'tcp')
      client.send(
        `POST /v1/good/${asked} HTTP/1.1\r\nHost: ${proxy.host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      )
      const [first] = (await client.answers()).answers
      await client.closed()
      client.end()
      return first?.status
    }
    // It may not hold the grant yet.
    await until(async () => (await good()) === 200, 'a good request to be answered')
    return {
      proxy,
      pid,
      inspector,
      silent,
      token,
      /** Asks for something that is recorded and forwarded, on a connection of its own. Its status. */
      good,
      stop: async (): Promise<void> => {
        inspector.close()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
export type Scene = Awaited<ReturnType<typeof startScene>>

const service = (name: string, port: number): string => `  ${name}:
    profile: web
    releases: { blue: http://127.0.0.1:${port} }
    serve: blue
    channel: "#inc-orders"
    owners: [payments]
    timeouts: { connect: 1s }
`

const piece = Buffer.alloc(262_144, 'x')

/** Answers as the path says. */
export const answer: Answering = (request, response, received) => {
  const [, , how] = (request.url ?? '').split('/')
  if (how === 'hold') return
  if (how === 'events') return events(request, response, received)
  if (how === 'half') {
    response.writeHead(200, { 'content-length': '1000' }).write('x'.repeat(500))
    return
  }
  if (how === 'flood') {
    const flood = (): void => {
      while (!response.destroyed && response.write(piece));
    }
    response.on('drain', flood)
    response.writeHead(200)
    return flood()
  }
  request.resume()
  request.on('end', () => response.end('good'))
}

/** Takes connections, and says nothing on them. */
const startSilent = async () => {
  const open = new Set<Socket>()
  let asked = 0
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => {
      asked += 1
    })
    socket.once('close', () => open.delete(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens nowhere')
  return {
    port: address.port,
    asked: (): number => asked,
    open: (): number => open.size,
    close: async (): Promise<void> => {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const listening = `const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))`

/** A process that stands still, with a full queue in front of it: connecting to it never ends. */
const startDeaf = async () => {
  const child = spawn(process.execPath, ['-e', listening], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [said]: Buffer[] = await once(child.stdout, 'data')
  const port = Number(String(said))
  child.kill('SIGSTOP')
  const waiting = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  await Promise.all(waiting.slice(0, 2).map((socket) => once(socket, 'connect')))
  return {
    port,
    close: (): void => {
      for (const socket of waiting) socket.destroy()
      child.kill('SIGKILL')
    },
  }
}
