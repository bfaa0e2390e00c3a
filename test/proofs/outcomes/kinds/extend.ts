import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import type { Kind, Scene, Shot } from '../race.ts'

const hour = 3_600_000
const shortMs = 150

/** One pass: extended again and again by clicks and commands, revoked, and running out, all at the same time. */
export const extend: Kind = async (scene) => {
  const { stack, cast, random, only } = scene
  const { messages, parts } = stack
  const { ana, ben, cho } = cast
  const how = random.pick(['page', 'request', 'short', 'short'] as const)
  await give(scene, how)
  const pass = await only()
  const left = pass.until - parts.clock.now()
  const after = (): number => (how === 'short' ? Math.max(0, left - 12 + random.below(16)) : 0)
  const clicks = random.whole(1, 3)
  const commands = random.whole(1, 4)
  const revoked = random.chance(0.5)
  const expiries = how === 'short' ? random.whole(1, 2) : 0
  const ranAt: number[] = []
  const shots: Shot[] = [
    ...Array.from({ length: clicks }, (_, index) => ({
      after: after(),
      message: messages.click(`extend ${index}`, ana, 'extend', pass, random.below(2)),
    })),
    ...Array.from({ length: commands }, (_, index) => ({
      after: after(),
      message: messages.command(
        `extend by word ${index}`,
        ana,
        `extend ${pass.id} ${random.pick([20, 30, 45])}m`,
        random.below(2),
      ),
    })),
    { after: after(), message: messages.click('extend by another', cho, 'extend', pass) },
    ...(revoked
      ? [{ after: after(), message: messages.command('revoke', ana, `revoke ${pass.id}`, random.below(2)) }]
      : []),
    ...(revoked && random.chance(0.3)
      ? [{ after: after(), message: messages.command('revoke by owner', ben, `revoke ${pass.id}`) }]
      : []),
    ...Array.from({ length: expiries }, (_, index) => ({
      label: `expiry ${index}`,
      after: Math.max(0, left - 2 + random.below(8)),
      run: async () => {
        ranAt.push(parts.clock.now())
        const outcome = await expireGrant(parts, pass.id)
        return typeof outcome === 'string' ? outcome : 'due later'
      },
    })),
  ]
  return {
    shots,
    judge: ({ lives, count, alike }) => {
      const [life, ...others] = lives
      if (life === undefined || others.length > 0) return [`${lives.length} grants`]
      const { events, end, last } = life
      const versions = events.flatMap((event) => (event.kind === 'grant' ? [event.grant] : []))
      const extensions = versions.filter(({ step }) => step === 'extended').length
      const beyond = versions.filter(({ until, from, at }) =>
        how === 'page' ? until > from + 3 * hour || until > at + 2 * hour : until > from + 8 * hour,
      )
      const lastExpiry = Math.max(0, ...ranAt)
      const wantRevoked = end?.cause === 'revoked' ? 1 : 0
      const wantExpired = end?.cause === 'expired' ? 1 : 0
      const twice = wantExpired === 1 && count('ended', 'expiry') === 2
      if (twice) alike(1)
      return [
        count('extended') === extensions
          ? undefined
          : `${extensions} versions extended it, and ${count('extended')} were told so`,
        beyond.length === 0 ? undefined : 'it was extended beyond its cap',
        count('revoked') === wantRevoked
          ? undefined
          : `${end?.cause}: ${count('revoked')} told it is revoked`,
        twice || count('ended', 'expiry') === wantExpired
          ? undefined
          : `${end?.cause}: ${count('ended', 'expiry')} jobs expired it`,
        revoked && end === undefined && last.until > parts.clock.now()
          ? 'it was revoked, and goes on'
          : undefined,
        expiries > 0 && end === undefined && lastExpiry >= last.until ? 'it is over, and goes on' : undefined,
        count('extended', 'extend by another') === 0 ? undefined : 'somebody else extended it',
      ]
    },
  }
}

const give = async (
  { stack, cast: { ana }, first, number }: Scene,
  how: 'page' | 'request' | 'short',
): Promise<void> => {
  const { messages, incidents, parts } = stack
  if (how === 'page') {
    const incident = incidents.trigger('PORDERS', [ana], number, 1_000)
    await first(messages.webhook('page', incident, 'triggered'))
  } else if (how === 'request') {
    await first(messages.command('ask', ana, 'grant offer-svc 7h observe'))
  } else {
    // Shorter than a command can say, so that its end is part of the race.
    await askForGrant(parts, ana, { service: 'offer-svc', tier: 'observe', duration: shortMs })
  }
}
