import type { Route } from '../../domain/route-index.ts'
import type { Service } from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'
import type { Found } from './change.ts'
import { type Compared, whatTiersAllow } from './compared.ts'
import { rememberedBy } from './first-match.ts'
import { samplesOf } from './route-samples.ts'
import { services, words } from './sentence.ts'

/** Which tier requests need. */
export const routeChanges = ({ services: all }: Compared): Found[] => {
  const remember = rememberedBy<readonly Found[]>()
  return all.flatMap(({ old, now, isNew }) => {
    const [was, is] = [whatTiersAllow(old), whatTiersAllow(now)]
    if (isNew || was === is) return []
    return remember(`${was} ${is}`, () => compare(old, now)).map((one) => ({ ...one, service: now.name }))
  })
}

const compare = (old: Service, now: Service): Found[] => {
  const found = new Map<string, Found>()
  for (const { method, path } of samplesOf(
    [...old.tiers, ...now.tiers].flatMap(({ patterns }) => patterns),
  )) {
    const change = sayChange(now, old.routes.find(method, path), now.routes.find(method, path))
    if (change !== undefined) found.set(JSON.stringify(change.say), change)
  }
  return [...found.values()]
}

const sayChange = (
  now: Service,
  before: Route<Tier> | undefined,
  after: Route<Tier> | undefined,
): Found | undefined => {
  const [was, is] = [before?.tier.name, after?.tier.name]
  if (was === is || (before === undefined && after === undefined)) return undefined
  if (after === undefined)
    return {
      kind: 'loses',
      danger: 70,
      say: words`${before?.pattern.text ?? ''} on ${services} is no longer allowed by any tier (it was by ${was ?? ''})`,
    }
  if (before === undefined)
    return {
      kind: 'gains',
      danger: 75,
      say: words`${after.pattern.text} on ${services} is now allowed by ${is ?? ''}`,
    }
  const rank = now.tiers.findIndex(({ name }) => name === was)
  if (rank === -1)
    return {
      kind: 'changes',
      danger: 50,
      say: words`${after.pattern.text} on ${services} now needs ${is ?? ''} (it was ${was ?? ''}, which is gone)`,
    }
  if (after.rank < rank)
    return {
      kind: 'gains',
      danger: 78,
      say: words`${after.pattern.text} on ${services} now needs only ${is ?? ''} (it was ${was ?? ''})`,
    }
  return {
    kind: 'loses',
    danger: 65,
    say: words`${before.pattern.text} on ${services} now needs ${is ?? ''} (it was ${was ?? ''})`,
  }
}
