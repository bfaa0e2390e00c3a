import type { Grant } from '../domain/grant.ts'
import type { LiveGrants } from '../ports.ts'

/** What stands of what a commander gave in one go. */
export const goOf = (live: LiveGrants, go: string, now: number): Grant[] =>
  [...live.all()]
    .map(({ grant }) => grant)
    .filter(({ why, until }) => until > now && why.kind === 'command' && why.go === go)
