import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

export type Call = {
  readonly port: number
  readonly host: string
  readonly method?: string
  readonly path: string
  readonly token?: string
  readonly body?: string
}
export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }

const agent = new Agent({ keepAlive: true })

const send = (it: Call): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { port, host, method = 'GET', path, token, body } = it
    const headers = {
      host: `${host}:${port}`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    const call = request({ host: '127.0.0.1', port, method, path, headers, agent }, resolve)
    call.on('error', (cause) => {
      // The server had closed it meanwhile: whoever keeps connections sends such a request again (RFC 9110, 9.2.2).
      if (call.reusedSocket && method === 'GET' && 'code' in cause && cause.code === 'ECONNRESET')
        return resolve(send(it))
      const where = `${method} ${path} at ${host}${call.reusedSocket ? ', on a connection used before' : ''}`
      reject(new Error(`${where}: ${cause.message}`, { cause }))
    })
    call.end(body)
  })

/** A proxy closes on purpose when its disk stalls; a client comes again, as `Retry-After` says. */
const attempts = 5

/** One request, with a Host header of its own: Node resolves no `*.localhost`. */
export const call = async (it: Call, attempt = 1): Promise<Answer> => {
  const response = await send(it)
  const body = await text(response)
  if (response.statusCode === 503 && body.includes('audit-unavailable') && attempt < attempts) {
    await new Promise((resolve) => setTimeout(resolve, 250))
    return call(it, attempt + 1)
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}

/** Opens a stream and resolves once its first bytes are here. `closed` resolves when it ends, however it does. */
export const openStream = async (
  it: Call,
): Promise<{ readonly status: number; readonly closed: Promise<void> }> => {
  const response = await send(it)
  const closed = new Promise<void>((resolve) => {
    response.once('close', () => resolve())
    response.once('error', () => resolve())
  })
  await new Promise<void>((resolve) => {
    response.once('data', () => resolve())
    void closed.then(resolve)
  })
  response.resume()
  return { status: response.statusCode ?? 0, closed }
}
