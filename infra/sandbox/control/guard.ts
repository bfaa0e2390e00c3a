import type { IncomingMessage } from 'node:http'
import { BadInput } from './bad-input.ts'

/**
 * A web page may make a browser call loopback addresses, or point its own name at 127.0.0.1 (DNS rebinding).
 * Neither gets through: the host must be local by name, and an Origin must be this very address.
 */
export const guard = ({ headers }: IncomingMessage): void => {
  const host = headers.host ?? ''
  if (!/^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host)) {
    throw new BadInput('Call the sandbox as 127.0.0.1 or localhost.', 403)
  }
  // A script tag sends no Origin; every browser says where a request comes from all the same.
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'none' && site !== 'same-origin') {
    throw new BadInput('Web pages of other origins may not call the sandbox.', 403)
  }
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) {
    throw new BadInput('Web pages of other origins may not call the sandbox.', 403)
  }
}
