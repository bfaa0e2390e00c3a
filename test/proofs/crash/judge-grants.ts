import type { GrantBody, History, Life } from './history.ts'
import type { Ledger } from './ledger.ts'

/** Whatever was promised to somebody is in the history, and nobody has the same twice at a time. */
export const judgeGrants = ({ lives, faults }: History, ledger: Ledger): void => {
  for (const fault of faults) ledger.violated(fault)
  judgePromises(lives, ledger)
  judgeDoubles(lives, ledger)
  judgeEnds(lives, ledger)
}

const judgePromises = (lives: History['lives'], { promised, violated }: Ledger): void => {
  const extensions = new Map<string, number>()
  for (const it of promised) {
    const life = lives.get(it.pass)
    if (life === undefined) {
      violated(`lost: pass ${it.pass}, ${it.kind} at ${it.at}, is nowhere (${JSON.stringify(it)})`)
      continue
    }
    const stepped = (step: string): number => life.versions.filter((version) => version.step === step).length
    if (it.kind === 'taken' && stepped('taken') === 0) violated(`lost: the taking of ${it.pass} by ${it.to}`)
    if (it.kind === 'given' && !life.versions.some(({ state }) => state === 'active'))
      violated(`lost: pass ${it.pass} of ${it.to} was never active`)
    if (it.kind === 'revoked' && life.end?.cause !== 'revoked')
      violated(
        `lost: the revocation of ${it.pass}; it ${life.end === undefined ? 'has no end' : `ended: ${life.end.cause}`}`,
      )
    if (it.kind !== 'extended') continue
    const told = (extensions.get(it.pass) ?? 0) + 1
    extensions.set(it.pass, told)
    if (stepped('extended') < told) violated(`lost: extension ${told} of ${it.pass} (${it.to})`)
  }
}

/** What is the same if it is given twice: a page of a person for a service, wherever it moved; or the words of an ask. */
const sameOf = ({ why, who, services }: GrantBody): string =>
  `${why.kind === 'page' ? `incident ${why.incident.id}` : `request “${why.reason}”`}, ${who.name}, ${services.join(' ')}`

/** From its first version to when it was over, in milliseconds since the epoch. */
const spanOf = ({ versions, end }: Life): { readonly from: number; readonly to: number } => {
  const until = versions.at(-1)?.until ?? 0
  return { from: versions[0]?.at ?? 0, to: Math.min(end?.at ?? Number.POSITIVE_INFINITY, until) }
}

const judgeDoubles = (lives: History['lives'], { violated }: Ledger): void => {
  const bySame = Map.groupBy(
    [...lives.values()].filter(({ versions }) => versions.length > 0),
    ({ versions }) => sameOf(versions[0] as GrantBody),
  )
  for (const [same, all] of bySame) {
    const sorted = all.map((life) => ({ id: life.id, ...spanOf(life) })).sort((a, b) => a.from - b.from)
    for (const [index, one] of sorted.entries()) {
      const next = sorted[index + 1]
      if (next !== undefined && next.from < one.to)
        violated(
          `double: ${one.id} (${one.from} to ${one.to}) and ${next.id} (from ${next.from}) for ${same}`,
        )
    }
  }
}

const judgeEnds = (lives: History['lives'], { violated, resolved }: Ledger): void => {
  for (const { id, versions, end } of lives.values()) {
    if (end !== undefined) continue
    const why = versions.at(-1)?.why
    const over = why?.kind === 'page' && resolved.has(why.incident.id)
    violated(`pass ${id} lives on${over ? ` after incident ${why.incident.id} was resolved` : ''}`)
  }
}
