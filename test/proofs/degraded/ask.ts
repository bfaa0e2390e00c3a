import { request } from 'node:http'
import { text } from 'node:stream/consumers'

export type At = {
  readonly port: number
  readonly host: string
  readonly method: string
  readonly path: string
  readonly token: string
}

export type Answered = {
  readonly sentAt: number
  readonly status: number
  readonly allowed: boolean
  /** Why it was refused, where it was. */
  readonly reason: string | undefined
}

/** Whether a request reached the service: what is refused is answered with problem details, and what fails with 5xx. */
export const askOnce = ({ port, host, method, path, token }: At) =>
  new Promise<Answered>((resolve) => {
    const sentAt = Date.now()
    const done = (status: number, allowed: boolean, body = ''): void =>
      resolve({ sentAt, status, allowed, reason: /"reason":"([a-z-]+)"/.exec(body)?.[1] })
    const headers = { host: `${host}:${port}`, authorization: `Bearer ${token}`, 'content-length': 0 }
    request({ host: '127.0.0.1', port, method, path, headers, agent: false, timeout: 30_000 }, (response) => {
      const { statusCode: status = 0, headers: said } = response
      const ours = String(said['content-type']).startsWith('application/problem+json')
      text(response).then(
        (body) => done(status, !ours && status < 500, ours ? body : ''),
        () => done(status, !ours && status < 500),
      )
    })
      .on('error', () => done(0, false))
      .on('timeout', function onTimeout(this: { destroy: () => void }) {
        this.destroy()
      })
      .end()
  })
