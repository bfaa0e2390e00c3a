import { WebSocket } from 'ws'
import { wokenByEvents } from './woken.ts'

/** A WebSocket as an ordinary program has one. */
export const webSocketClient = (url: string, headers: Readonly<Record<string, string>>) => {
  const socket = new WebSocket(url, { headers })
  const messages: string[] = []
  let code: number | undefined
  let failure = ''
  const { wake, when } = wokenByEvents((what) => `the WebSocket waited in vain for ${what}; ${failure}`)
  socket.on('open', wake)
  socket.on('message', (message) => {
    messages.push(String(message))
    wake()
  })
  socket.on('error', (error) => {
    failure = error.message
    wake()
  })
  socket.on('close', (closed) => {
    code = closed
    wake()
  })

  return {
    socket,
    messages,
    opened: (): Promise<void> => when(() => socket.readyState === WebSocket.OPEN, 'the line to open'),
    /** It was opened or refused. */
    over: (): Promise<void> => when(() => socket.readyState !== WebSocket.CONNECTING, 'an answer'),
    said: (message: string): Promise<void> => when(() => messages.includes(message), message),
    /** The code it was closed with: 1006 when the connection just ended (RFC 6455 7.4.1). */
    closed: async (): Promise<number | undefined> => {
      await when(() => code !== undefined, 'the line to close')
      return code
    },
    isOpen: (): boolean => socket.readyState === WebSocket.OPEN,
    end: (): void => socket.terminate(),
  }
}
export type WebSocketClient = ReturnType<typeof webSocketClient>
