import type { Kind } from '../race.ts'

/** One request: approved, denied, approved by who may not, taken back. */
export const approve: Kind = async ({ stack, cast, random, first, only }) => {
  const { messages } = stack
  const { ana, ben, cho, eve, ida, tom } = cast
  const two = random.chance(0.5)
  const service = random.pick(['auto-svc', 'offer-svc'])
  await first(messages.command('ask', ana, `grant ${service} 1h ${two ? 'root' : 'admin'} because race`))
  const request = await only()
  const denied = random.chance(0.6)
  const withdrawn = random.chance(0.3)
  return {
    shots: [
      messages.click('approve by ben', ben, 'approve', request, random.below(3)),
      ...(two || random.chance(0.3) ? [messages.click('approve by tom', tom, 'approve', request)] : []),
      ...(random.chance(0.3) ? [messages.click('approve by ben again', ben, 'approve', request)] : []),
      ...(denied
        ? [messages.click('deny', random.pick([ida, ida, ben]), 'deny', request, random.below(3))]
        : []),
      ...(denied && random.chance(0.3) ? [messages.click('deny by tom', tom, 'deny', request)] : []),
      messages.click('own approve', ana, 'approve', request),
      messages.click('wrong approve', random.pick([cho, eve]), 'approve', request),
      ...(random.chance(0.3) ? [messages.click('wrong deny', random.pick([ana, eve]), 'deny', request)] : []),
      ...(withdrawn ? [messages.command('take back', ana, `revoke ${request.id}`, random.below(2))] : []),
    ].map((message) => ({ message })),
    judge: ({ lives, count, alike }) => {
      const [life, ...others] = lives
      if (life === undefined || others.length > 0) return [`${lives.length} grants for one request`]
      const { events, end, last } = life
      const steps = events.filter(
        (event) =>
          event.kind === 'grant' && (event.grant.step === 'endorsed' || event.grant.step === 'approved'),
      )
      const approvals = count('approved') + count('endorsed')
      const bens = count('approved', 'approve by ben') + count('endorsed', 'approve by ben')
      const twice = bens === 2 && approvals === steps.length + 1
      if (twice) alike(1)
      const who = (last.approvals ?? []).map(({ subject }) => subject)
      const may = new Set([ben.subject, tom.subject])
      const wrong = who.filter((subject) => !may.has(subject)).length + who.length - new Set(who).size
      const wantDenied = end?.cause === 'denied' ? 1 : 0
      const wantBack = end?.cause === 'withdrawn' ? 1 : 0
      const wantRevoked = end?.cause === 'revoked' ? 1 : 0
      return [
        wrong === 0 ? undefined : `approved by ${who.join(', ')}`,
        last.state !== 'active' || who.length === (two ? 2 : 1)
          ? undefined
          : `active with ${who.length} approvals`,
        twice || approvals === steps.length
          ? undefined
          : `${steps.length} approvals, and ${approvals} told so`,
        count('denied') === wantDenied
          ? undefined
          : `${end?.cause}: ${count('denied')} told that they denied it`,
        count('withdrawn') === wantBack
          ? undefined
          : `${end?.cause}: ${count('withdrawn')} told it is taken back`,
        count('revoked') === wantRevoked
          ? undefined
          : `${end?.cause}: ${count('revoked')} told it is revoked`,
        denied && end === undefined ? `a denial was sent, and it is ${last.state}` : undefined,
        withdrawn && end === undefined ? `it was taken back, and is ${last.state}` : undefined,
        count('approved', 'own') + count('endorsed', 'own') === 0 ? undefined : 'approved by the asker',
        count('approved', 'wrong') + count('endorsed', 'wrong') + count('denied', 'wrong') === 0
          ? undefined
          : 'decided by somebody who may not',
      ]
    },
  }
}
