import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { Fault } from '#access/domain/errors.ts'
import type { AuthzSettings } from './config.ts'

export const secretHeader = 'x-pagepass-front'

/**
 * Whether it is a front proxy that asks: by the certificate it connected with, by a secret in `X-Pagepass-Front`, or,
 * where both are set up, by both. Until then nothing else that it says is looked at.
 */
export const createFrontCheck = ({
  secrets,
  tls,
}: Pick<AuthzSettings, 'secrets' | 'tls'>): ((request: IncomingMessage) => boolean) => {
  const byCertificate = tls?.ca !== undefined
  if (secrets.length === 0 && !byCertificate)
    throw new Fault('config/invalid', 'nothing tells a front proxy from anybody else', {
      mend: 'set PAGEPASS_AUTHZ_SECRETS or PAGEPASS_AUTHZ_TLS_CA',
    })
  const wanted = secrets.map(hashOf)

  return ({ rawHeaders, socket }) => {
    if (byCertificate && !(socket instanceof TLSSocket && socket.authorized)) return false
    return wanted.length === 0 || isAmong(wanted, rawHeaders)
  }
}

/** Hashes are of one length, so the time it takes to compare them tells nothing of the secret; nor does which one fits. */
const isAmong = (wanted: readonly Buffer[], rawHeaders: readonly string[]): boolean => {
  let shown: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== secretHeader) continue
    if (shown !== undefined) return false
    shown = rawHeaders[index + 1]
  }
  if (shown === undefined) return false
  const hash = hashOf(shown)
  return wanted.reduce((found, one) => timingSafeEqual(one, hash) || found, false)
}

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()
