import { exactDuration } from '../../domain/duration.ts'
import type { Service } from '../../domain/rule-set.ts'
import type { Asker } from '../explain/asker.ts'
import { type PageFacts, usualPage } from '../explain/supposed-page.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import { workloadPrefix } from '../standing-from.ts'
import type { Happening, HeldPass, RuleCase } from './rule-case.ts'
import type { CaseFileSource, CaseSource, PassSource, PersonSource } from './source.ts'

/** A case whose names are known, as what decisions take. */
export const linkCase = (
  { rules }: SoundRuleSet,
  { at: usual, people }: CaseFileSource,
  said: CaseSource,
  placeOf: RuleCase['placeOf'],
): RuleCase | undefined => {
  const at = said.at ?? usual
  const service = rules.services.get(said.service)
  const happens = service === undefined ? undefined : happeningOf(service, said)
  if (service === undefined || happens === undefined) return undefined
  const asker = (name: string): Asker => {
    const person = people[name]
    if (person !== undefined) return askerOf(name, person, at)
    const workload = name.slice(workloadPrefix.length)
    const [subject = name] = rules.workloads.get(workload) ?? []
    return { subject, name: workload, groups: [] }
  }
  return {
    name: said.name ?? nameOf(said, happens),
    who: asker(said.who),
    service,
    at,
    holds: said.holds.map((pass) => heldOf(pass, people, asker)),
    stale: said.stale ?? 0,
    happens,
    expect: said.expect,
    placeOf,
  }
}

const askerOf = (name: string, person: PersonSource, at: number): Asker => {
  const { subject = name, groups, roles, acr, signed_in, active } = person
  return {
    subject,
    name,
    groups,
    roles,
    active,
    ...(acr === undefined ? {} : { acr }),
    ...(signed_in === undefined ? {} : { signedInAt: at - signed_in }),
  }
}

const heldOf = (
  pass: PassSource,
  people: CaseFileSource['people'],
  asker: (name: string) => Asker,
): HeldPass => ({
  tier: pass.tier,
  kind: pass.by,
  ...(pass.from === undefined ? {} : { from: pass.from }),
  ...(pass.for === undefined ? {} : { duration: pass.for }),
  ...(pass.approved_by === undefined
    ? {}
    : {
        approvedBy: pass.approved_by.map((name) =>
          people[name] === undefined
            ? { kind: 'set' as const, name }
            : { kind: 'person' as const, who: asker(name) },
        ),
      }),
})

const happeningOf = (service: Service, { request, ask, page }: CaseSource): Happening | undefined => {
  const paged = page === undefined ? undefined : pageOf(service, page)
  if (request !== undefined)
    return { kind: 'request', ...request, ...(paged === undefined ? {} : { page: paged }) }
  if (ask !== undefined) {
    const { tier, for: duration, because: reason, from } = ask
    return {
      kind: 'ask',
      ask: {
        service: service.name,
        ...(tier === undefined ? {} : { tier }),
        ...(duration === undefined ? {} : { duration }),
        ...(reason === undefined ? {} : { reason }),
        ...(from === undefined ? {} : { from }),
      },
    }
  }
  return paged === undefined ? undefined : { kind: 'page', page: paged }
}

/** What is not said is as it mostly is; a trigger that nobody knows is none. */
const pageOf = (service: Service, page: NonNullable<CaseSource['page']>): PageFacts => {
  const { urgency, priority, level, trigger, acknowledged } = page
  const { trigger: usualTrigger, ...usual } = usualPage(service)
  const by = trigger ?? usualTrigger
  return {
    ...usual,
    ...(by === undefined || by === 'unknown' ? {} : { trigger: by }),
    ...(urgency === undefined ? {} : { urgency }),
    ...(priority === undefined ? {} : { priority }),
    ...(level === undefined ? {} : { level }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
  }
}

/** A case without a name goes by what happens in it. */
const nameOf = ({ who, service }: CaseSource, happens: Happening): string => {
  if (happens.kind === 'request') return `${who}: ${happens.method} ${happens.path} on ${service}`
  if (happens.kind === 'page') return `${who} is paged for ${service}`
  const { tier = 'the lowest tier', duration } = happens.ask
  const length = duration === undefined ? '' : ` for ${exactDuration(duration)}`
  return `${who} asks for ${tier} of ${service}${length}`
}
