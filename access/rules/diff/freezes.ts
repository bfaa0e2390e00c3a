import { freezeOf, type Service } from '../../domain/rule-set.ts'
import { momentText } from '../words.ts'
import type { Found } from './change.ts'
import { type Compared, tiersInBoth } from './compared.ts'
import { agrees, services, tiers, words } from './sentence.ts'

/** When nothing is given by hand. */
export const freezeChanges = ({ services: all }: Compared): Found[] =>
  all.flatMap(({ old, now, isNew }) =>
    isNew || old.freezes.length + now.freezes.length === 0
      ? []
      : tiersInBoth(old, now).flatMap(({ now: { name } }) =>
          compare(old, now, name).map((found) => ({ ...found, tier: name, service: now.name })),
        ),
  )

type Stretch = {
  readonly kind: 'frozen' | 'free' | 'said'
  readonly because: string
  readonly from: number
  until: number
}

const compare = (old: Service, now: Service, tier: string): Found[] => {
  const edges = [...old.freezes, ...now.freezes].flatMap(({ from, until }) => [from, until])
  const cuts = [...new Set(edges)].sort((a, b) => a - b)
  const stretches: Stretch[] = []
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    const until = cuts[index + 1] ?? from
    const [was, is] = [freezeOf(old, tier, from)?.because, freezeOf(now, tier, from)?.because]
    if (was === is) continue
    const kind = was === undefined ? 'frozen' : is === undefined ? 'free' : 'said'
    const because = is ?? was ?? ''
    const last = stretches.at(-1)
    if (last?.kind === kind && last.because === because && last.until === from) last.until = until
    else stretches.push({ kind, because, from, until })
  }
  return stretches.map(sayStretch)
}

const are = agrees('tiers', 'is', 'are')

const sayStretch = ({ kind, because, from, until }: Stretch): Found => {
  const time = `from ${momentText(from)} until ${momentText(until)}`
  if (kind === 'free')
    return {
      kind: 'loosens',
      danger: 80,
      say: words`${tiers} on ${services} ${are} no longer frozen ${time}`,
    }
  if (kind === 'frozen')
    return {
      kind: 'tightens',
      danger: 50,
      say: words`${tiers} on ${services} ${are} frozen ${time} (${because})`,
    }
  return {
    kind: 'changes',
    danger: 5,
    say: words`${tiers} on ${services} ${are} frozen ${time} for another reason (${because})`,
  }
}
