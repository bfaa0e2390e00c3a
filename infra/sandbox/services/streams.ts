import type { IncomingMessage, ServerResponse } from 'node:http'

/** One server-sent-event stream as its upstream saw it. Times in milliseconds since 1970, with fractions. */
export type StreamRecord = {
  readonly id: number
  readonly openedAt: number
  events: number
  /** When the last byte was handed to the socket. */
  lastByteAt: number
  /** When the stream's socket was closed; absent while it is open. */
  closedAt?: number
}

export const preciseNow = (): number => performance.timeOrigin + performance.now()

export const createStreams = () => {
  const records: StreamRecord[] = []
  return {
    records: (): readonly StreamRecord[] => records,

    serve(request: IncomingMessage, response: ServerResponse, everyMs: number): void {
      if (request.method === 'HEAD') {
        response.end()
        return
      }
      const at = preciseNow()
      const record: StreamRecord = { id: records.length + 1, openedAt: at, events: 0, lastByteAt: at }
      records.push(record)
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })

      const sendEvent = (): void => {
        record.events += 1
        response.write(
          `id: ${record.events}\nevent: tick\ndata: ${JSON.stringify({ stream: record.id })}\n\n`,
        )
        record.lastByteAt = preciseNow()
      }
      sendEvent()
      const timer = setInterval(sendEvent, everyMs)
      request.socket.once('close', () => {
        clearInterval(timer)
        record.closedAt = preciseNow()
      })
    },
  }
}
