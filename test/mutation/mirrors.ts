import { globSync } from 'node:fs'
import { sep } from 'node:path'

/** Tests that are about a file of another name, too. */
const also: Readonly<Record<string, readonly string[]>> = {
  inactive: ['reasons'],
  lock: ['lock-book'],
  'lock-book': ['revoked'],
  moment: ['words'],
  principal: ['words'],
  renewal: ['words'],
  'short-hash': ['words'],
  tier: ['words'],
  view: ['revoked'],
}

/** The tests whose task it is to notice a change of `access/domain/<name>.ts`: those that mirror it. */
export const mirrorsOf = (name: string): readonly string[] =>
  globSync(
    [`${name}.test.ts`, `${name}.*.test.ts`, ...(also[name] ?? []).map((other) => `${other}.test.ts`)].map(
      (file) => `test/access/domain/${file}`,
    ),
  )
    .map((file) => file.replaceAll(sep, '/'))
    .sort()

/** `access/domain/break-glass/pass.ts`, wherever that lies → `break-glass/pass`. */
export const nameOf = (file: string): string =>
  file.replaceAll(sep, '/').replace(/^.*access\/domain\/|\.ts$/g, '')
