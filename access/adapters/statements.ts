import { isUtf8 } from 'node:buffer'
import { CompactSign, compactVerify, decodeJwt, decodeProtectedHeader } from 'jose'
import type { z } from 'zod'
import { type Confirmation, confirmationShape } from '../domain/confirmation.ts'
import { type DirectoryFile, directoryShape } from '../domain/directory-file.ts'
import { Fault } from '../domain/errors.ts'
import { type GlassReview, glassReviewShape } from '../domain/glass-review.ts'
import { type End, endShape, type Grant, grantShape } from '../domain/grant.ts'
import { type Head, headShape } from '../domain/head.ts'
import {
  anyLockShape,
  type Lock,
  type LockOrder,
  liftShape,
  lockOrderShape,
  lockShape,
} from '../domain/lock.ts'
import { type Reports, reportsShape } from '../domain/report.ts'
import {
  type Revocation,
  type RevocationQuestion,
  revocationQuestionShape,
  revocationShape,
} from '../domain/revocation.ts'
import type { Keys, Role } from './keys.ts'

/**
 * Signed statements: compact JWS (RFC 7515) with Ed25519 (RFC 8037). Each kind has its own `typ` and its own key
 * role, and names the environment, so that none can stand in for another.
 */
const kinds = {
  grant: { role: 'issue', shape: grantShape },
  end: { role: 'end', shape: endShape },
  head: { role: 'head', shape: headShape },
  confirmation: { role: 'head', shape: confirmationShape },
  lock: { role: 'end', shape: lockShape },
  lift: { role: 'issue', shape: liftShape },
  review: { role: 'issue', shape: glassReviewShape },
  'lock-order': { role: 'lock', shape: lockOrderShape },
  directory: { role: 'directory', shape: directoryShape },
  reports: { role: 'report', shape: reportsShape },
  revocation: { role: 'revoke', shape: revocationShape },
  'revocation-question': { role: 'revoke', shape: revocationQuestionShape },
} as const satisfies Record<string, { role: Role; shape: z.ZodType }>

type Bodies = {
  grant: Grant
  end: End
  head: Head
  confirmation: Confirmation
  lock: Lock
  lift: Lock
  review: GlassReview
  'lock-order': LockOrder
  directory: DirectoryFile
  reports: Reports
  revocation: Revocation
  'revocation-question': RevocationQuestion
}
export type StatementKind = keyof Bodies

const typ = (kind: StatementKind) => `pagepass-${kind}+jws`
const utf8 = new TextEncoder()

export const createStatements = (keys: Keys) => ({
  /** Signs a statement. Faults when this process holds no key of the kind's role. */
  sign: async <K extends StatementKind>(kind: K, body: Bodies[K]): Promise<string> => {
    const own = keys.own.get(kinds[kind].role)
    if (own === undefined) throw new Fault('keys/missing', `this process can't sign a ${kind}`)
    if (keys.revoked.has(own.kid))
      throw new Fault(
        'keys/revoked',
        `the key "${own.kid}" was revoked, so no ${kind} can be signed with it`,
        {
          mend: 'give this process a new key: pagepass keys add',
        },
      )
    return new CompactSign(utf8.encode(JSON.stringify(body)))
      .setProtectedHeader({ alg: 'EdDSA', typ: typ(kind), kid: own.kid })
      .sign(own.key)
  },

  isRevokedKey: (kid: string): boolean => keys.revoked.has(kid),
  /** Whether a statement names a key that was revoked. */
  isRevoked: (statement: string): boolean => keys.revoked.has(kidOf(statement)),

  /**
   * The body of a statement whose signature, kind, role and environment hold. Throws `statement/invalid`. What a revoked key
   * signed holds for nobody, but for who only takes something away because of it (`even revoked`).
   */
  verify: async <K extends StatementKind>(
    kind: K,
    statement: string,
    by: 'trusted' | 'even revoked' = 'trusted',
  ): Promise<Bodies[K]> => {
    try {
      const { payload, protectedHeader } = await compactVerify(
        statement,
        (header) => {
          const key = header.kid === undefined ? undefined : keys.trusted.get(header.kid)
          if (header.typ !== typ(kind) || key?.role !== kinds[kind].role) throw new Error('wrong kind or key')
          if (by === 'trusted' && keys.revoked.has(key.kid))
            throw new Error(`its key "${key.kid}" was revoked`)
          return key.key
        },
        { algorithms: ['EdDSA'] },
      )
      // It may have been revoked while the signature was being checked.
      if (by === 'trusted' && keys.revoked.has(protectedHeader.kid ?? ''))
        throw new Error(`its key "${protectedHeader.kid}" was revoked`)
      const body = kinds[kind].shape.parse(JSON.parse(new TextDecoder().decode(payload))) as Bodies[K]
      if (body.environment !== keys.environment) throw new Error(`it is of environment "${body.environment}"`)
      return body
    } catch (error) {
      throw new Fault('statement/invalid', `a ${kind} statement does not hold: ${(error as Error).message}`, {
        cause: error,
      })
    }
  },
})

export type Statements = ReturnType<typeof createStatements>

/** The name of the key of a statement that was verified. */
export const kidOf = (statement: string): string => decodeProtectedHeader(statement).kid ?? ''

/** What a statement says, before its signature is checked. Never act on it alone to give anything. */
export const readUnverified = <K extends 'grant' | 'end' | 'reports'>(
  kind: K,
  statement: string,
): Bodies[K] => {
  try {
    return kinds[kind].shape.parse(wordsOf(statement)) as Bodies[K]
  } catch (error) {
    throw new Fault('statement/invalid', `a ${kind} statement can't be read`, { cause: error })
  }
}

/** The same of what locks somebody out or lets them in. */
export const readUnverifiedLock = (statement: string): Lock => {
  try {
    return anyLockShape.parse(wordsOf(statement))
  } catch (error) {
    throw new Fault('statement/invalid', `a lock statement can't be read`, { cause: error })
  }
}

/** Node's own decoder is several times as fast as jose's. It skips what is no base64url, which is left to jose. */
const wordsOf = (statement: string): unknown => {
  const [, payload = '', signature, ...more] = statement.split('.')
  const bytes = Buffer.from(payload, 'base64url')
  const isWhole = bytes.length === Math.floor((payload.length * 3) / 4)
  if (signature === undefined || more.length > 0 || !isWhole || !isUtf8(bytes)) return decodeJwt(statement)
  return JSON.parse(bytes.toString())
}
