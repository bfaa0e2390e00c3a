import type { Service } from '../../domain/rule-set.ts'
import { allOf } from '../words.ts'
import type { Found } from './change.ts'
import { type Compared, cameAndWent } from './compared.ts'
import { agrees, services, type Words, words } from './sentence.ts'

/** What was not told service by service, because environments differ in it: on how many services. */
export type LeftOut = {
  readonly what: 'domain' | 'addresses' | 'PagerDuty services' | 'trusted triggers' | 'channels'
  readonly services: readonly string[]
}

/** Who owns services, where they are, and what concerns them. */
export const serviceChanges = (
  { old: oldRules, now: nowRules, services: all }: Compared,
  leaveOut: boolean,
): { readonly found: readonly Found[]; readonly leftOut: readonly LeftOut[] } => {
  const before = all.filter(({ isNew }) => !isNew)
  const found: Found[] = [
    ...all
      .filter(({ isNew }) => isNew)
      .map(
        ({ now }): Found => ({
          kind: 'changes',
          danger: 80,
          say: words`${services} ${are} new`,
          service: now.name,
        }),
      ),
    ...[...oldRules.services.keys()]
      .filter((name) => !nowRules.services.has(name))
      .map(
        (name): Found => ({
          kind: 'loses',
          danger: 90,
          say: words`${services} ${are} gone, with all access to ${it}`,
          service: name,
        }),
      ),
    ...before.flatMap(({ old, now }) => ownerChanges(old, now).map((one) => ({ ...one, service: now.name }))),
  ]
  const leftOut: LeftOut[] = []
  const put = (what: LeftOut['what'], changes: (old: Service, now: Service) => readonly Found[]): void => {
    const differ: string[] = []
    for (const { old, now } of before)
      for (const one of changes(old, now)) {
        if (leaveOut && (what !== 'trusted triggers' || one.say.length === 0)) differ.push(now.name)
        else found.push({ ...one, service: now.name })
      }
    if (differ.length > 0) leftOut.push({ what, services: [...new Set(differ)] })
  }
  if (oldRules.domain !== nowRules.domain) {
    if (leaveOut) leftOut.push({ what: 'domain', services: [] })
    else
      found.push({
        kind: 'changes',
        danger: 50,
        say: words`services answer under ${nowRules.domain} instead of ${oldRules.domain}`,
      })
  }
  put('addresses', addressChanges)
  put('PagerDuty services', pagerDutyChanges)
  put('trusted triggers', (old, now) => triggerChanges(old, now, leaveOut))
  put('channels', ({ channel: was }, { channel }) =>
    was === channel
      ? []
      : [
          {
            kind: 'changes',
            danger: 5,
            say: words`messages about ${services} go to ${channel} instead of ${was}`,
          },
        ],
  )
  return { found, leftOut }
}

const are = agrees('services', 'is', 'are')
const it = agrees('services', 'it', 'them')

const ownerChanges = ({ owners: old }: Service, { owners: now }: Service): Found[] => {
  const { came, went } = cameAndWent(old, now)
  return [
    ...(came.length === 0
      ? []
      : [
          {
            kind: 'gains' as const,
            danger: 30,
            say: words`${allOf(came)} now ${came.length === 1 ? 'owns' : 'own'} ${services}: may revoke passes there, and decide on what nobody else approves`,
          },
        ]),
    ...(went.length === 0
      ? []
      : [
          {
            kind: 'loses' as const,
            danger: 30,
            say: words`${allOf(went)} no longer ${went.length === 1 ? 'owns' : 'own'} ${services}`,
          },
        ]),
  ]
}

const addressChanges = (old: Service, now: Service): Found[] => {
  const [was, is] = [old.releases[old.serve], now.releases[now.serve]]
  const found: Found[] = []
  const put = (danger: number, say: Words): void => void found.push({ kind: 'changes', danger, say })
  if (was !== is) put(40, words`${services} ${are} served from ${is ?? ''} instead of ${was ?? ''}`)
  else if (old.serve !== now.serve)
    put(
      15,
      words`${services} ${agrees('services', 'serves', 'serve')} the release ${now.serve} instead of ${old.serve}, at the same address`,
    )
  for (const name of new Set([...Object.keys(old.releases), ...Object.keys(now.releases)])) {
    const [before, after] = [old.releases[name], now.releases[name]]
    if (before === after || (was !== is && name === now.serve && name === old.serve)) continue
    if (after === undefined) put(10, words`the release ${name} of ${services} is no more`)
    else if (before === undefined)
      put(10, words`${services} ${agrees('services', 'has', 'have')} a release ${name} at ${after}`)
    else put(12, words`the release ${name} of ${services} is at ${after} instead of ${before}`)
  }
  return found
}

const pagerDutyChanges = ({ pagerduty: old }: Service, { pagerduty: now }: Service): Found[] => {
  const { came, went } = cameAndWent(old, now)
  return [
    ...came.map(
      (id): Found => ({
        kind: 'loosens',
        danger: 55,
        say: words`incidents of the PagerDuty service ${id} now concern ${services}`,
      }),
    ),
    ...went.map(
      (id): Found => ({
        kind: 'tightens',
        danger: 55,
        say: words`incidents of the PagerDuty service ${id} no longer concern ${services}`,
      }),
    ),
  ]
}

/** Between environments ids differ; what matters there is whether anything is trusted at all. */
const triggerChanges = (
  { trustedTriggers: old }: Service,
  { trustedTriggers: now }: Service,
  betweenEnvironments: boolean,
): Found[] => {
  const { came, went } = cameAndWent(old, now)
  if (betweenEnvironments && old.length > 0 && now.length > 0)
    return came.length + went.length === 0 ? [] : [{ kind: 'changes', say: words`` }]
  return [
    ...came.map(
      (id): Found => ({
        kind: 'gains',
        danger: 86,
        say: words`incidents of ${id} may now give passes on ${services} by themselves`,
      }),
    ),
    ...went.map(
      (id): Found => ({
        kind: 'loses',
        danger: 56,
        say: words`incidents of ${id} no longer give passes on ${services} by themselves`,
      }),
    ),
  ]
}
