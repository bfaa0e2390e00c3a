import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { answerJson } from '../http/answer.ts'

/** What an upstream does wrong. */

/** Any final status; 204 and 304 have no body, as HTTP wants it. */
export const answerStatus = (response: ServerResponse, status: number): void => {
  if (status < 200 || status > 599) answerJson(response, 404, { error: `no such status ${status}` })
  else if (status === 204 || status === 304) response.writeHead(status).end()
  else answerJson(response, status, { status, reason: STATUS_CODES[status] ?? '' })
}

/** Promises a thousand bytes, sends a few, and resets the TCP connection. */
export const resetMidBody = (request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 1000 })
  response.write('the beginning', () => request.socket.resetAndDestroy())
}

/** Keeps the request until the caller leaves. */
export const neverAnswer = (): void => {}
