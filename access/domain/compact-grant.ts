import { type Grant, grantShape } from './grant.ts'
import type { HeldGrant } from './held.ts'

/** How a view keeps what it loads. The grant is what the statement says. */
export type Keep = (grant: Grant, statement: string) => HeldGrant

/** For whoever looks at all grants again and again. */
export const keepPlainly: Keep = (grant, statement) => ({ grant, statement, verified: false })

/** For a process that holds many grants and uses few of them: a grant is read from its statement when it is first asked for. */
export const keepCompactly: Keep = (grant, statement) => new CompactGrant(grant, statement)

class CompactGrant implements HeldGrant {
  verified = false
  signIns: ReadonlySet<string> | undefined = undefined
  readonly id: string
  readonly version: number
  readonly statement: string
  #read: Grant | undefined = undefined

  constructor({ id, version }: Grant, statement: string) {
    this.id = id
    this.version = version
    this.statement = statement
  }

  get grant(): Grant {
    this.#read ??= this.#readNow()
    return this.#read
  }

  #readNow(): Grant {
    const [, payload = ''] = this.statement.split('.')
    return grantShape.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()))
  }
}

/** What names a held version, without reading the grant. */
export const versionOf = (held: HeldGrant): { readonly id: string; readonly version: number } =>
  held instanceof CompactGrant ? held : held.grant

/** The header of the statement, as it is written there. */
export const headerOf = ({ statement }: HeldGrant): string => statement.slice(0, statement.indexOf('.'))

/** The same text in memory of its own: a part of a longer string keeps all of that in memory, and so does a sum of strings. */
export const alone = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le')
