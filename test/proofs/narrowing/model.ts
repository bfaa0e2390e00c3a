/** What `test/example.yaml` allows by asking, in plain values: milliseconds, and the groups that may ask. */
const hour = 3_600_000
export const allowed: Readonly<
  Record<string, { readonly longest: number; readonly groups: readonly string[] }>
> = {
  observe: { longest: 8 * hour, groups: ['sre', 'team-payments'] },
  operate: { longest: 2 * hour, groups: ['sre', 'team-payments'] },
  admin: { longest: hour, groups: ['sre'] },
}
export const lowest = 'observe'

export type Asked = {
  readonly service: string
  readonly tier: string | undefined
  readonly duration: number | undefined
}
export type Pass = {
  readonly id: string
  readonly version: number
  readonly state: string
  readonly subject: string
  readonly services: readonly string[]
  readonly tier: string
  readonly from: number
  readonly until: number
  readonly duration: number
}

/** In which ways what was given is more than what was asked, or what was asked more than what is allowed. */
export const moreThanAsked = (
  pass: Pass,
  asked: Asked,
  by: { subject: string; groups: readonly string[] },
) => {
  const more: string[] = []
  const terms = allowed[pass.tier]
  if (pass.subject !== by.subject) more.push('it is somebody else’s')
  if (pass.services.join() !== asked.service) more.push(`it is for ${pass.services.join()}`)
  if (pass.tier !== (asked.tier ?? lowest)) more.push(`its tier is ${pass.tier}`)
  if (asked.duration !== undefined && pass.duration > asked.duration)
    more.push('it lasts longer than was asked')
  if (!(pass.duration > 0 && pass.duration <= (terms?.longest ?? 0)))
    more.push('it lasts longer than is allowed')
  if (pass.state === 'active' && pass.until - pass.from > pass.duration)
    more.push('it ends later than it lasts')
  if (!by.groups.some((group) => terms?.groups.includes(group))) more.push('they may not ask for that')
  if (pass.tier === 'admin' && pass.state === 'active') more.push('nobody approved it')
  return more
}

/** In which ways an extension did more than lengthen what runs, within what is allowed. */
export const moreThanExtended = (
  before: Pass,
  after: Pass,
  {
    duration,
    ended,
    now,
  }: { readonly duration: number | undefined; readonly ended: boolean; readonly now: number },
) => {
  const more: string[] = []
  if (ended || before.state !== 'active' || now >= before.until) more.push('it was over')
  if (after.version !== before.version + 1) more.push('another version')
  for (const same of ['id', 'subject', 'tier', 'from', 'state'] as const)
    if (before[same] !== after[same]) more.push(`another ${same}`)
  if (before.services.join() !== after.services.join()) more.push('other services')
  if (after.until - before.until > (duration ?? before.duration)) more.push('longer than was asked')
  if (after.until - after.from > (allowed[after.tier]?.longest ?? 0)) more.push('longer than is allowed')
  if (after.until <= before.until) more.push('no longer')
  return more
}
