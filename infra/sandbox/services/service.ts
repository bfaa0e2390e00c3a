import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { answerJson } from '../http/answer.ts'
import { type Listening, listen } from '../http/listen.ts'
import { serve } from '../http/serve.ts'
import { answerStatus, neverAnswer, resetMidBody } from './failing.ts'
import { createRequests } from './requests.ts'
import { createSockets } from './sockets.ts'
import { createStreams } from './streams.ts'

export type ServiceName = 'orders-svc' | 'payments-svc'

const DEFAULT_EVERY_MS = 200

const orders = ['1001', '1002', '1003'].map((id) => ({ id, status: id === '1002' ? 'stuck' : 'paid' }))

type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  name: string,
) => Promise<void> | void

/** An ordinary service to put behind the proxy. What it saw is told through the control API, never here. */
export const createService = (name: ServiceName) => {
  const requests = createRequests()
  const streams = createStreams()
  const sockets = createSockets()
  let listening: Listening | undefined

  const routes: readonly (readonly [method: string, path: RegExp, answer: Answer])[] = [
    [
      'GET',
      /^\/$/,
      (_request, response) => answerJson(response, 200, { service: name, status: 'ok', paths }),
    ],
    ['GET', /^\/v1\/orders$/, (_request, response) => answerJson(response, 200, { orders })],
    ['GET', /^\/v1\/orders\/([^/]+)$/, getOrder],
    ['POST', /^\/v1\/orders\/([^/]+)\/retry$/, retryOrder],
    ['PUT', /^\/v1\/flags\/([^/]+)$/, setFlag],
    ['GET', /^\/events$/, (request, response, url) => streams.serve(request, response, everyMs(url))],
    ['GET', /^\/echo$/, echo],
    ['POST', /^\/echo$/, echo],
    ['GET', /^\/slow$/, slow],
    ['GET', socketPath, demandUpgrade],
    ['GET', /^\/status\/(\d{3})$/, (_request, response, _url, code) => answerStatus(response, Number(code))],
    ['GET', /^\/fail\/reset$/, resetMidBody],
    ['GET', /^\/fail\/hang$/, neverAnswer],
    ['GET', /^\/fail\/refuse-upgrade$/, refuseUpgrade],
  ]

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.see(request)
    const url = urlOf(request)
    const method = request.method === 'HEAD' ? 'GET' : request.method
    for (const [of, path, answer] of routes) {
      const match = path.exec(url.pathname)
      if (of === method && match) return answer(request, response, url, match[1] ?? '')
    }
    answerJson(response, 404, { error: 'no such path', method: request.method, target: request.url })
  }

  const createUpgradingServer = (): Server => {
    const ordinary = serve(handle)
    // An upgrade to anything but a WebSocket of ours is an ordinary request, as HTTP has it.
    const server = createServer({ shouldUpgradeCallback: isSocket }, (request, response) =>
      ordinary.emit('request', request, response),
    )
    return server.on('upgrade', (request, wire, head) => {
      requests.see(request)
      const url = urlOf(request)
      const ticks = url.pathname === '/ws/ticker'
      sockets.accept(request, wire, head, ticks ? { tickEveryMs: everyMs(url) } : 'echo')
    })
  }

  return {
    name,
    async listen(port: number): Promise<Listening> {
      const at = await listen(createUpgradingServer(), port)
      listening = {
        ...at,
        close: async () => {
          sockets.terminate()
          await at.close()
        },
      }
      return listening
    },
    close: async (): Promise<void> => listening?.close(),
    requests: () => requests.count(),
    latestRequests: () => requests.latest(),
    streams: () => streams.records(),
    sockets: () => sockets.records(),
  }
}

export type Service = ReturnType<typeof createService>

const socketPath = /^\/ws(?:\/ticker)?$/

const paths = [
  'GET /v1/orders',
  'GET /v1/orders/1001',
  'POST /v1/orders/1002/retry',
  'PUT /v1/flags/dark',
  'GET /events?every=200',
  'GET /echo',
  'POST /echo',
  'GET /slow?ms=1000',
  'WS /ws',
  'WS /ws/ticker?every=200',
  'GET /status/503',
  'GET /fail/reset',
  'GET /fail/hang',
  'GET /fail/refuse-upgrade',
]

const urlOf = (request: IncomingMessage): URL => new URL(request.url ?? '/', 'http://service')

const isSocket = (request: IncomingMessage): boolean =>
  request.method === 'GET' &&
  request.headers.upgrade?.toLowerCase() === 'websocket' &&
  socketPath.test(request.url?.split('?')[0] ?? '')

const demandUpgrade: Answer = (_request, response) =>
  answerJson(response, 426, { error: 'a WebSocket is here' }, { upgrade: 'websocket', connection: 'upgrade' })

const refuseUpgrade: Answer = (_request, response) => answerJson(response, 200, { refused: 'upgrade' })

const getOrder: Answer = (_request, response, _url, id) => {
  const order = orders.find((one) => one.id === id)
  if (order) answerJson(response, 200, order)
  else answerJson(response, 404, { error: `no order ${id}` })
}

const retryOrder: Answer = async (request, response, _url, id) =>
  answerJson(response, 200, { done: 'retried', order: id, bodyBytes: await countBytes(request) })

const setFlag: Answer = async (request, response, _url, flag) =>
  answerJson(response, 200, { done: 'set', flag, bodyBytes: await countBytes(request) })

const echo: Answer = async (request, response) => {
  const { method, url, rawHeaders } = request
  answerJson(response, 200, { method, target: url, rawHeaders, bodyBytes: await countBytes(request) })
}

const slow: Answer = async (_request, response, url) => {
  const ms = Number(url.searchParams.get('ms') ?? 1000)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  await pause(ms, undefined, { signal: gone.signal }).catch(() => {})
  if (!response.destroyed) answerJson(response, 200, { waitedMs: ms })
}

const everyMs = (url: URL): number => {
  const every = Number(url.searchParams.get('every'))
  return every >= 1 ? every : DEFAULT_EVERY_MS
}

const countBytes = async (request: IncomingMessage): Promise<number> => {
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) bytes += chunk.length
  return bytes
}
