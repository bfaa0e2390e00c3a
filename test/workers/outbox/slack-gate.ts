import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type SlackCall = {
  readonly method: string
  readonly args: Readonly<Record<string, string>>
  /** Milliseconds, monotonic. */
  readonly at: number
}

type Answer = (response: ServerResponse, pass: () => Promise<void>) => void | Promise<void>

/** Slack's answer with an error of its own. */
export const says =
  (error: string): Answer =>
  (response) =>
    void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(`{"ok":false,"error":"${error}"}`)
export const answers =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end('{}')
/** The call has its effect, and its answer is lost. */
export const hangsUpAfter: Answer = async (response, pass) => {
  await pass()
  response.destroy()
}
export const hangsUp: Answer = (response) => void response.destroy()

/** Stands before the Slack stand-in: keeps what is called and when, and answers in its place when told to. */
export const openSlackGate = async (target: () => string) => {
  const calls: SlackCall[] = []
  const planned: { readonly method: string; readonly answer: Answer }[] = []
  let before: ((call: SlackCall) => Promise<void>) | undefined

  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part) => parts.push(part))
    request.on('end', async () => {
      const body = Buffer.concat(parts).toString()
      const method = (request.url ?? '').split('/').at(-1) ?? ''
      const call = { method, args: Object.fromEntries(new URLSearchParams(body)), at: performance.now() }
      calls.push(call)
      await before?.(call)
      const ask = () =>
        fetch(`${target()}${method}`, {
          method: 'POST',
          body,
          headers: {
            'content-type': request.headers['content-type'] ?? '',
            authorization: request.headers.authorization ?? '',
          },
        })
      const index = planned.findIndex((one) => one.method === method)
      const [plan] = index < 0 ? [] : planned.splice(index, 1)
      if (plan !== undefined) return plan.answer(response, async () => void (await (await ask()).text()))
      const answer = await ask()
      const wait = answer.headers.get('retry-after')
      response.writeHead(answer.status, {
        'content-type': 'application/json',
        ...(wait === null ? {} : { 'retry-after': wait }),
      })
      response.end(await answer.text())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`,
    calls,
    of: (method: string): SlackCall[] => calls.filter((call) => call.method === method),
    /** The next call of a method is answered so, instead of by the stand-in. */
    plan: (method: string, ...planning: Answer[]): void =>
      void planned.push(...planning.map((answer) => ({ method, answer }))),
    /** Runs before each answer. */
    holdBy: (hold: (call: SlackCall) => Promise<void>): void => {
      before = hold
    },
    close: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
