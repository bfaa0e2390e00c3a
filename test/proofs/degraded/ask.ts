import { request } from 'node:http'

export type At = {
  readonly port: number
  readonly host: string
  readonly method: string
  readonly path: string
  readonly token: string
}

/** Whether a request reached the service: what is refused is answered with problem details, and what fails with 5xx. */
export const askOnce = ({ port, host, method, path, token }: At) =>
  new Promise<{ readonly sentAt: number; readonly status: number; readonly allowed: boolean }>((resolve) => {
    const sentAt = Date.now()
    const done = (status: number, allowed: boolean): void => resolve({ sentAt, status, allowed })
    const headers = { host: `${host}:${port}`, authorization: `Bearer ${token}`, 'content-length': 0 }
    request({ host: '127.0.0.1', port, method, path, headers, agent: false, timeout: 30_000 }, (response) => {
      const { statusCode: status = 0, headers: said } = response
      const ours = String(said['content-type']).startsWith('application/problem+json')
      response.resume()
      done(status, !ours && status < 500)
    })
      .on('error', () => done(0, false))
      .on('timeout', function onTimeout(this: { destroy: () => void }) {
        this.destroy()
      })
      .end()
  })
