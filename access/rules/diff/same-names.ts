import type { RuleSet, Service, StandingRule } from '../../domain/rule-set.ts'

/**
 * The old rule set in the names of the new one: a set of people, or a workload, that only goes by another name now is
 * nothing new.
 */
export const inNamesOf = (old: RuleSet, now: RuleSet): RuleSet => {
  const people = renamed(old.people, now.people, ({ groups, roles, subjects, until }) => [
    [...groups].sort(),
    [...roles].sort(),
    [...subjects].sort(),
    until ?? null,
  ])
  const workloads = renamed(old.workloads, now.workloads, (subjects) => [...subjects].sort())
  if (people.size + workloads.size === 0) return old
  const sets = (names: readonly string[]): string[] => names.map((name) => people.get(name) ?? name)
  const workload = (name: string): string => workloads.get(name) ?? name
  const from = (rule: StandingRule): StandingRule => ({
    ...rule,
    from:
      rule.from.kind === 'people'
        ? { kind: 'people', name: people.get(rule.from.name) ?? rule.from.name }
        : rule.from.kind === 'workload'
          ? { kind: 'workload', name: workload(rule.from.name) }
          : rule.from,
  })
  const who = <R extends { readonly who: readonly string[] }>(rule: R): R => ({
    ...rule,
    who: sets(rule.who),
  })
  const service = (one: Service): Service => ({
    ...one,
    owners: sets(one.owners),
    tiers: one.tiers.map((tier) => {
      if (tier.approvals === undefined) return tier
      const { escalate, ...approvals } = tier.approvals
      const further = escalate === undefined ? {} : { escalate: { ...escalate, to: sets(escalate.to) } }
      return { ...tier, approvals: { ...approvals, from: sets(approvals.from), ...further } }
    }),
    onPage: one.onPage.map(who),
    onRequest: one.onRequest.map(who),
    standing: one.standing.map(from),
  })
  return {
    ...old,
    people: new Map([...old.people].map(([name, one]) => [people.get(name) ?? name, one])),
    workloads: new Map([...old.workloads].map(([name, one]) => [workload(name), one])),
    services: new Map([...old.services].map(([name, one]) => [name, service(one)])),
    egress: old.egress.map((rule) => ({ ...rule, from: rule.from.map(workload) })),
    breakGlass: old.breakGlass && who(old.breakGlass),
    incidentCommand: old.incidentCommand && who(old.incidentCommand),
    lock: old.lock && who(old.lock),
  }
}

/** What is called otherwise but means the same, by its old name. */
const renamed = <T>(
  old: ReadonlyMap<string, T>,
  now: ReadonlyMap<string, T>,
  meaning: (one: T) => unknown,
): Map<string, string> => {
  const fresh = [...now].filter(([name]) => !old.has(name))
  const names = new Map<string, string>()
  for (const [name, one] of old) {
    if (now.has(name)) continue
    const same = JSON.stringify(meaning(one))
    const index = fresh.findIndex(([, other]) => JSON.stringify(meaning(other)) === same)
    const [twin] = index === -1 ? [] : fresh.splice(index, 1)
    if (twin !== undefined) names.set(name, twin[0])
  }
  return names
}
