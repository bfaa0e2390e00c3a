import { type Grant, grantShape } from './grant.ts'
import type { HeldGrant } from './held.ts'

/** How a view keeps what it loads. The grant is what the statement says. */
export type Keep = (grant: Grant, statement: string) => HeldGrant

/** For whoever looks at all grants again and again. */
export const keepPlainly: Keep = (grant, statement) => ({ grant, statement, verified: false })

const signatureBytes = 64
const mostHeaders = 64
const utf8 = new TextDecoder()

/**
 * For a process that holds many grants and uses few of them: keeps only the bytes that are signed, one to a character, and
 * reads the grant from them when it is first asked for. A statement that is not written as ours are is kept as it is.
 */
export const createKeepCompactly = (): Keep => {
  /** Equal in all grants that were signed with one key. */
  const headers = new Map<string, string>()

  const shared = (header: string): string => {
    const known = headers.get(header)
    if (known !== undefined) return known
    const own = alone(header)
    for (const oldest of headers.size < mostHeaders ? [] : headers.keys()) if (headers.delete(oldest)) break
    headers.set(own, own)
    return own
  }

  return (grant, statement) => {
    const [header = '', payload = '', signature = '', ...more] = statement.split('.')
    const signed = Buffer.from(signature, 'base64url')
    if (signed.length !== signatureBytes || more.length > 0) return keepPlainly(grant, statement)
    const bytes = Buffer.concat([signed, Buffer.from(payload, 'base64url')])
    const held = new CompactGrant(grant, shared(header), bytes.toString('latin1'))
    return held.statement === statement ? held : keepPlainly(grant, statement)
  }
}

class CompactGrant implements HeldGrant {
  verified = false
  signIns: ReadonlySet<string> | undefined = undefined
  readonly id: string
  readonly version: number
  /** Of the statement, as it is written there. */
  readonly #header: string
  /** The signature and, behind it, the payload. */
  readonly #bytes: string
  #read: Grant | undefined = undefined

  constructor({ id, version }: Grant, header: string, bytes: string) {
    this.id = id
    this.version = version
    this.#header = header
    this.#bytes = bytes
  }

  get header(): string {
    return this.#header
  }

  get grant(): Grant {
    this.#read ??= grantShape.parse(JSON.parse(utf8.decode(this.#payload())))
    return this.#read
  }

  get statement(): string {
    const signature = Buffer.from(this.#bytes.slice(0, signatureBytes), 'latin1')
    return `${this.#header}.${this.#payload().toString('base64url')}.${signature.toString('base64url')}`
  }

  #payload(): Buffer {
    return Buffer.from(this.#bytes.slice(signatureBytes), 'latin1')
  }
}

/** What names a held version, without reading the grant. */
export const versionOf = (held: HeldGrant): { readonly id: string; readonly version: number } =>
  held instanceof CompactGrant ? held : held.grant

/** The header of the statement, as it is written there. */
export const headerOf = (held: HeldGrant): string =>
  held instanceof CompactGrant ? held.header : (held.statement.split('.', 1)[0] ?? '')

/** The same text in memory of its own: a part of a longer string keeps all of that in memory, and so does a sum of strings. */
export const alone = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le')
