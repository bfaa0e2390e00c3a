import { identityHeaders, pathTo, readingOf } from './back-ends.ts'
import type { AuditRecord } from './proxy.ts'
import { type Received, valuesOf } from './upstream.ts'

/** Of an `admitted` record: what was decided. */
export type Decided = { readonly method: string; readonly path: string; readonly pattern: string }

export const decidedBy = (record: AuditRecord | undefined): Decided => ({
  method: String(record?.['method']),
  path: String(record?.['path']),
  pattern: String(record?.['pattern']),
})

/** In what a server's own reading of a request differs from what was decided on; empty when in nothing. */
export const disagreements = (seen: Received, { method, path, pattern }: Decided): string[] => {
  const { by, ...read } = readingOf(seen)
  const fixed = pattern.slice(pattern.indexOf('/')).split('*')[0] ?? ''
  return [
    ...unlessEqual(`the method ${by} reads`, read.method, method),
    ...unlessEqual(`the path ${by} reads`, read.target.split('?')[0], path),
    ...unlessEqual(`the path ${by} serves`, read.path, pathTo(by, path)),
    ...unlessEqual('the start of that, by the pattern', read.path.slice(0, fixed.length), fixed),
  ]
}

/** Whether the value of an identity header is ours, by its name in lower case. */
export type Ours = Readonly<Record<string, (value: string) => boolean>>

/**
 * What is wrong with the identity headers that a server received: each must be there once, by any spelling that a server
 * might take for it, with our value; and none may be there that we did not set.
 */
export const identityFaults = ({ rawHeaders }: Pick<Received, 'rawHeaders'>, ours: Ours): string[] => {
  const found = new Map<string, string[]>()
  for (const [name, value] of rawHeaders) {
    const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
    if (/^(?:(?:host|forwarded|x-real-ip|via)$|x-pagepass|x-forwarded)/.test(plain))
      found.set(plain, [...(found.get(plain) ?? []), value])
  }
  const times = Object.fromEntries([...found].map(([name, values]) => [name, values.length]))
  const once = Object.fromEntries(identityHeaders.map((name) => [name, 1]))
  const wrong = [...found].flatMap(([name, values]) =>
    values.filter((value) => ours[name]?.(value) === false),
  )
  return [
    ...unlessEqual('the count of each', JSON.stringify(sorted(times)), JSON.stringify(sorted(once))),
    ...wrong.map((value) => `${JSON.stringify(value)} is not our value`),
  ]
}

/** Where a server itself takes another value for an identity header than the one that reached it. */
export const identityMisread = (seen: Received): string[] => {
  const { by, identity } = readingOf(seen)
  return identityHeaders.flatMap((name) =>
    unlessEqual(`${name} as ${by} reads it`, identity[name], valuesOf(seen, name)[0]),
  )
}

const sorted = (record: Readonly<Record<string, number>>) => Object.entries(record).sort()

/** The claims of a token, whoever signed it. */
export const claimsOf = (token: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >
  } catch {
    return {}
  }
}

const unlessEqual = (what: string, is: unknown, should: unknown): string[] =>
  is === should ? [] : [`${what} is ${JSON.stringify(is)}, not ${JSON.stringify(should)}`]
