import { createServer, type IncomingHttpHeaders } from 'node:http'
import { readBody } from '#infra/sandbox/http/body.ts'
import { listen } from '#infra/sandbox/http/listen.ts'

export type Recorded = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }
export type Reply = { readonly status: number; readonly type?: string; readonly body?: string } | 'never'

/** Takes the bot's place: keeps what it is sent, and answers as the test says. */
export const startRecorder = async (reply: (request: Recorded, index: number) => Reply) => {
  const requests: Recorded[] = []
  const server = createServer(async (request, response) => {
    const recorded = { path: request.url ?? '', headers: request.headers, body: await readBody(request) }
    requests.push(recorded)
    const answer = reply(recorded, requests.length - 1)
    if (answer === 'never') return
    response.writeHead(answer.status, { 'content-type': answer.type ?? 'text/plain' })
    response.end(answer.body ?? '')
  })
  return { requests, ...(await listen(server, 0)) }
}
