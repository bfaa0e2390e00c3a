import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { answerText } from './answer.ts'

/** A server whose handler may fail: the caller then gets 500 instead of a hanging connection. */
export const serve = (
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Server =>
  createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.destroyed) return
      if (response.headersSent) response.destroy()
      else answerText(response, 500, `${error instanceof Error ? error.message : String(error)}\n`)
    })
  })
