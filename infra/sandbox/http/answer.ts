import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

export const answerJson = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
): void =>
  answer(response, status, JSON.stringify(body), {
    'content-type': 'application/json; charset=utf-8',
    ...headers,
  })

export const answerText = (response: ServerResponse, status: number, text: string): void =>
  answer(response, status, text, { 'content-type': 'text/plain; charset=utf-8' })

const answer = (
  response: ServerResponse,
  status: number,
  body: string,
  headers: OutgoingHttpHeaders,
): void => {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
