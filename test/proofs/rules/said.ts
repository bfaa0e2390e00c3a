/** What stands in a rule set's file, as it is written: every duration, time and pattern is still text. */
export type SaidApprovals = { count?: number; from: string[]; distinct?: 'teams' }
export type SaidTerms = {
  longest?: string
  default?: string
  rate?: string
  burst?: number
  when_stale?: string
  reason?: 'optional' | 'required' | 'ticket'
  approvals?: SaidApprovals
  extend?: { count?: number; share?: string }
  proxy_only?: boolean
  sign_in?: { acr?: string; max_age?: string }
}
export type SaidTier = string[] | (SaidTerms & { allow?: string[] })
export type SaidTiers = { [tier: string]: SaidTier }
export type SaidService = {
  profile?: string
  releases: { [release: string]: string }
  serve: string
  pagerduty?: string[]
  trusted_triggers?: string[]
  channel: string
  owners: string[]
  labels?: string[]
  tiers?: SaidTiers
}
export type SaidWindow = { days?: string; hours: string; zone: string }
export type SaidWhen = SaidWindow | SaidWindow[]
export type SaidPeople = { groups?: string[]; roles?: string[]; subjects?: string[]; until?: string }
export type SaidPageRule = {
  name?: string
  services: string[]
  who: string[]
  urgency?: 'high' | 'low' | 'any'
  priority?: string[]
  levels?: number | string
  when?: SaidWhen
  give: string
  how: 'auto' | 'on acknowledge' | 'offer'
  for: string
  cap?: string
  also?: { services: string[]; tier: string }[]
}
export type SaidRequestRule = {
  name?: string
  who: string[]
  services?: string[]
  tiers: string[]
  how: 'at once' | 'approval'
  when?: SaidWhen
  ahead?: string
}
export type SaidStanding = {
  name?: string
  from: string
  to: string | string[]
  tier?: string
  allow?: string[]
  rate?: string
  burst?: number
}
export type SaidFreeze = {
  services?: string[]
  tiers: string[]
  from: string
  until: string
  because: string
}
export type SaidFile = {
  version: 1
  environment: string
  domain: string
  identity: { issuer: string; audience: string }
  people: { [name: string]: SaidPeople }
  workloads?: { [name: string]: { subjects: string[] } }
  tiers: { [tier: string]: SaidTerms }
  profiles?: { [name: string]: { tiers: SaidTiers } }
  services: { [name: string]: SaidService }
  on_page?: SaidPageRule[]
  on_request?: SaidRequestRule[]
  standing?: SaidStanding[]
  freeze?: SaidFreeze[]
}
