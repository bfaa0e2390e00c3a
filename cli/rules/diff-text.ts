import { shortHash } from '#access/domain/short-hash.ts'
import type { Change, ChangeKind } from '#access/rules/diff/change.ts'
import { servicesText } from '#access/rules/diff/sentence.ts'
import type { RulesDiff } from '#access/rules/diff.ts'
import { counted, jsonLine, painter } from '../print.ts'

/** A rule set as messages name it. */
export type Named = { readonly path: string; readonly environment: string; readonly hash: string }

const parts: readonly {
  readonly heading: string
  readonly kinds: readonly ChangeKind[]
  readonly mark: string
  readonly style: 'red' | 'green' | 'yellow'
}[] = [
  { heading: 'more access, or on easier terms', kinds: ['gains', 'loosens'], mark: '+', style: 'red' },
  { heading: 'less access, or on harder terms', kinds: ['loses', 'tightens'], mark: '-', style: 'green' },
  { heading: 'otherwise', kinds: ['changes'], mark: '~', style: 'yellow' },
]

/** The changes in sentences, the most dangerous first, and how many there are. */
export const diffText = (
  old: Named,
  now: Named,
  { changes, leftOut }: RulesDiff,
  colours: boolean,
): string => {
  const paint = painter(colours)
  const blocks = parts.flatMap(({ heading, kinds, mark, style }) => {
    const some = changes.filter(({ kind }) => kinds.includes(kind))
    if (some.length === 0) return []
    const lines = some.map(({ text }) => paint(style, `  ${mark} ${text}`))
    return [[`${counted(some.length, 'change')}: ${heading}`, ...lines].join('\n')]
  })
  const left = leftOut.map(({ what, services }) =>
    services.length === 0 ? `the ${what} differs` : `${what} differ on ${servicesText(services)}`,
  )
  const last = [
    ...left,
    ...(changes.length === 0 ? [noChanges(old, now, left.length > 0)] : [between(old, now)]),
  ]
  return `${[...blocks, last.join('\n')].join('\n\n')}\n`
}

const noChanges = (old: Named, now: Named, besides: boolean): string => {
  const hashes = `(rules hash ${shortHash(old.hash)}, now ${shortHash(now.hash)})`
  if (besides) return `no access changes besides ${hashes}`
  return old.hash === now.hash
    ? `no access changes: the same rules hash, ${shortHash(old.hash)}`
    : `no access changes: only the text differs ${hashes}`
}

const between = (old: Named, now: Named): string =>
  `from ${old.path} (${old.environment}, rules hash ${shortHash(old.hash)}) to ${now.path} (${now.environment}, rules hash ${shortHash(now.hash)})`

export const diffJson = (old: Named, now: Named, { changes, leftOut }: RulesDiff): string =>
  jsonLine({ old, new: now, changes: changes.map(plain), leftOut })

/** Somebody in two sets is a list of both. */
const plain = ({ kind, weight, text, who, tiers, services }: Change) => ({
  kind,
  weight,
  text,
  who,
  tiers,
  services,
})
