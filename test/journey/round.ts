import { people } from '#infra/sandbox/people.ts'
import { preciseNow } from '#infra/sandbox/services/streams.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { dmWith } from '#infra/sandbox/slack/workspace.ts'
import type { Stack } from '../running-stack.ts'
import { type Callers, callers, problem } from './callers.ts'
import { byHand, datadog, email, type Place, places } from './places.ts'
import { until } from './until.ts'

/** What one round measured, in milliseconds, and what people should be told of it. */
export type Round = {
  /** From the page to the first request; undefined where the pass is offered first. */
  readonly pageToAccess: number | undefined
  /** From the click on Take (or the acknowledgement) to the first request. */
  readonly takenToAccess: readonly number[]
  readonly revokeSentToCut: number
  readonly revokeAckToLastByte: number
  readonly resolveToCut: number
  readonly commandAnswers: readonly number[]
  readonly channel: Place['channel']
  readonly incident: string
  /** What one summary each must contain. */
  readonly summaries: readonly (readonly string[])[]
  /** What one live message each must end up with. */
  readonly live: readonly (readonly string[])[]
}

export type Violated = (what: string) => void

const passId = /`([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})`/
/** How long a short pass lasts, unless told otherwise. */
export const shortSeconds = 2

type Scene = {
  readonly stack: Stack
  readonly place: Place
  readonly as: Callers
  readonly expect: ReturnType<typeof expecting>
  readonly number: number
  readonly shortSeconds: number
  readonly commandAnswers: number[]
}

/** The daily life of a page once: page, offer, use, extend, revoke, merge, resolve. */
export const runRound = async (
  stack: Stack,
  number: number,
  violated: Violated,
  seconds = shortSeconds,
): Promise<Round> => {
  const place = places[number % places.length] as Place
  const scene: Scene = {
    stack,
    place,
    as: await callers(stack, place),
    expect: expecting(violated),
    number,
    shortSeconds: seconds,
    commandAnswers: [],
  }
  const short = await extendShortPass(scene)
  const { incident, title, pageToAccess, acceptedToAccess } = await bePaged(scene)
  const pagedStream = await useThePass(scene)
  const revoked = await revokeShortPass(scene, short)
  const merged = await takeAndMerge(scene, incident)
  const resolveToCut = await resolve(scene, incident, pagedStream)
  const { paged, channel } = place
  return {
    pageToAccess,
    takenToAccess: [...(acceptedToAccess === undefined ? [] : [acceptedToAccess]), merged.takenToAccess],
    revokeSentToCut: revoked.sentToCut,
    revokeAckToLastByte: revoked.ackToLastByte,
    resolveToCut,
    commandAnswers: scene.commandAnswers,
    channel,
    incident,
    summaries: [
      [
        title,
        `${paged.fullName} had operate`,
        'Ben Okafor had operate',
        'the incident ended',
        '1 write',
        '1 refusal',
        '1 × tier-too-low',
        '1 × cut',
      ],
      [
        short.pass,
        'Ben Okafor had observe',
        `stuck (round ${number})`,
        'it was revoked by Ben Okafor',
        '1 × cut',
      ],
    ],
    live: [
      [title, `${paged.fullName} had operate`, 'Ben Okafor had operate', 'the incident ended'],
      [short.pass, 'Ben Okafor had observe', 'it was revoked by Ben Okafor'],
    ],
  }
}

const slash = async (
  scene: Scene,
  text: string,
  giveUpAt = preciseNow() + 60_000,
): Promise<{ answer: string; at: number }> => {
  const { stack, commandAnswers } = scene
  const sentAt = preciseNow()
  const sent = await stack.world.slack.sendCommand(people.ben, '/access', text)
  const at = preciseNow()
  commandAnswers.push(at - sentAt)
  const answer = sent.answer === undefined ? `(${sent.failure})` : messageText(sent.answer)
  if (!isPutOff.test(answer) || at > giveUpAt) return { answer, at }
  await new Promise((resolve) => setTimeout(resolve, 500))
  return slash(scene, text, giveUpAt)
}

/** Slack gives up after 3 s, and the bot on Redis sooner: a machine may stand still for that long. People do it again. */
const isPutOff = /operation_timeout|dispatch_failed|Redis does not answer|takes longer than Slack waits/

const serviceOf = ({ stack, place }: Scene) =>
  place.service === 'orders-svc' ? stack.world.orders : stack.world.payments

/** Longer than any machine stands still. */
const longestSeconds = 300

/**
 * Ben asks for a few seconds, opens a stream and a WebSocket under them, and makes them half an hour. Where the few seconds
 * were over first, what was seen says nothing, and it is done again with more.
 */
const extendShortPass = async (scene: Scene, seconds = scene.shortSeconds): Promise<Short> => {
  const seen: Parameters<Scene['expect']>[] = []
  const short = await extendInTime({ ...scene, expect: (...one) => void seen.push(one) }, seconds)
  if (short === 'too late' && seconds < longestSeconds) return extendShortPass(scene, seconds * 4)
  for (const one of seen) scene.expect(...one)
  if (short === 'too late') throw new Error(`a pass of ${seconds} s was over before it was extended`)
  return short
}

const extendInTime = async (scene: Scene, seconds: number): Promise<Short | 'too late'> => {
  const { as, expect, place, number } = scene
  expect('before any pass, Ben is refused', (await as.ben('GET', '/v1/orders')).status, 403)
  const granted = await slash(scene, `grant ${place.service} ${seconds}s because stuck (round ${number})`)
  const endsAt = granted.at + seconds * 1_000
  const isOver = (): boolean => preciseNow() >= endsAt
  const pass = passId.exec(granted.answer)?.[1] ?? ''
  expect('a pass by hand is granted', granted.answer.includes('You have a pass'), true)
  let works = false
  await until('the pass by hand gives access', async () => {
    works = (await as.ben('GET', '/v1/orders')).status === 200
    return works || isOver()
  })
  if (!works) return 'too late'
  expect('the pass is listed', (await slash(scene, 'list')).answer.includes(pass), true)
  const service = serviceOf(scene)
  const before = { streams: service.streams().length, sockets: service.sockets().length }
  const stream = await as.stream(people.ben)
  const socket = await as.socket(people.ben).catch(orLater(isOver))
  if (socket === 'too late') return socket
  const said = await socket.echo('hello').catch(orLater(isOver))
  if (said === 'too late') return said
  expect('the WebSocket echoes', said, 'hello')
  const extended = await slash(scene, `extend ${pass} 30m`)
  const isExtended = extended.answer.includes('Extended by 30m')
  if (!isExtended && isOver()) return 'too late'
  expect('the pass is extended in place', isExtended, true)
  expect('it keeps its id', extended.answer.includes(pass), true)
  return {
    pass,
    endsAt,
    stream,
    socket,
    upstreamStream: service.streams()[before.streams],
    upstreamSocket: service.sockets()[before.sockets],
  }
}

/** What fails once the pass is over is no fault. */
const orLater =
  (isOver: () => boolean) =>
  (error: unknown): 'too late' => {
    if (isOver()) return 'too late'
    throw error
  }

type Service = ReturnType<typeof serviceOf>
type Short = {
  readonly pass: string
  readonly endsAt: number
  readonly stream: Awaited<ReturnType<Callers['stream']>>
  readonly socket: Awaited<ReturnType<Callers['socket']>>
  readonly upstreamStream: ReturnType<Service['streams']>[number] | undefined
  readonly upstreamSocket: ReturnType<Service['sockets']>[number] | undefined
}

/** The page: a pass at once, or an offer that is taken by a click or by acknowledging. */
const bePaged = async ({ stack, place, as, expect, number }: Scene) => {
  const { incidents } = stack.world.pagerduty
  const canRead = async (): Promise<boolean> => (await as.paged('GET', '/v1/orders')).status === 200
  expect('before the page, the paged person is refused', await canRead(), false)
  const title = `stuck orders (round ${number})`
  const triggeredAt = preciseNow()
  const { id: incident } = incidents.trigger({
    service: place.pagerduty,
    title,
    by: datadog(place.pagerduty.id),
    urgency: 'high',
    assignTo: place.paged.pagerduty.user,
  })
  if (place.how === 'auto') {
    await until('the page gives access', canRead)
    return { incident, title, pageToAccess: preciseNow() - triggeredAt, acceptedToAccess: undefined }
  }
  const accepted =
    Math.floor(number / places.length) % 2 === 0
      ? await take(stack, place.paged, title)
      : await acknowledge(stack, place, incident, title)
  await accepted.until('taking the offer gives access', canRead)
  return { incident, title, pageToAccess: undefined, acceptedToAccess: preciseNow() - accepted.at }
}

type Accepted = {
  readonly at: number
  /** Waits for what comes of it. */
  readonly until: (what: string, holds: () => Promise<boolean>) => Promise<void>
}

/** Clicks Take on the offer for an incident, and again where the click was put off. */
const take = async (stack: Stack, person: Place['paged'], title: string): Promise<Accepted> => {
  const { slack } = stack.world
  await offered(stack, person, title)
  const at = preciseNow()
  const wasPutOff = ({ id, failure = '' }: Awaited<ReturnType<typeof slack.click>>): boolean =>
    [failure, ...slack.answersTo(id).map(messageText)].some((text) => isPutOff.test(text))
  let click = await slack.click(person, undefined, 'take')
  if (click.failure !== undefined && !wasPutOff(click))
    throw new Error(`the click on Take failed: ${click.failure}`)
  return {
    at,
    until: (what, holds) =>
      until(what, async () => {
        // Without the button, the first click came late.
        if (wasPutOff(click)) click = await slack.click(person, undefined, 'take').catch(() => click)
        return holds()
      }),
  }
}

const acknowledge = async (
  stack: Stack,
  { paged }: Place,
  incident: string,
  title: string,
): Promise<Accepted> => {
  await offered(stack, paged, title)
  const at = preciseNow()
  stack.world.pagerduty.incidents.acknowledge(incident, paged.pagerduty.user)
  return { at, until }
}

const offered = (stack: Stack, person: Place['paged'], title: string): Promise<void> =>
  until(`${person.name} is offered a pass for “${title}”`, () => {
    const direct = dmWith(person.slack.user)
    const newest =
      direct === undefined ? undefined : stack.world.slack.messageWithButton(person, direct, 'take')
    return newest !== undefined && messageText(newest).includes(title)
  })

/** What the pass reaches and what it does not. Leaves a stream open. */
const useThePass = async ({ place, as, expect }: Scene) => {
  const posted = await as.paged('POST', '/v1/orders/7/retry', '{"reason":"stuck"}')
  expect('a POST in the tier is forwarded', posted.status, 200)
  expect('the upstream read the whole body', posted.body.includes('18'), true)
  const tooFar = await as.paged('DELETE', '/v1/orders/7')
  expect('outside the tier is refused', tooFar.status, 403)
  expect('the refusal names its reason', problem(tooFar).reason, 'tier-too-low')
  expect('the refusal names what it would take', problem(tooFar).mend?.includes('sre'), true)
  expect('without a token: who are you', (await as.nobody('GET', '/v1/orders')).status, 401)
  expect('without a pass: refused', (await as.eve('GET', '/v1/orders')).status, 403)
  expect('an unknown service: not found', (await as.elsewhere('GET', '/v1/orders')).status, 404)
  expect(
    'an upstream sees no credential of ours',
    (await as.paged('GET', '/echo')).body.includes('Bearer'),
    false,
  )
  const stream = await as.stream(place.paged)
  expect('the paged person may open a stream', stream.status, 200)
  return stream
}

/** The extended pass outlived its first end with all that was open; now it is revoked, and nothing of it is left. */
const revokeShortPass = async (scene: Scene, short: Short) => {
  const { as, expect } = scene
  const { pass, endsAt, stream, socket, upstreamStream, upstreamSocket } = short
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, endsAt + 50 - preciseNow())))
  expect('past its first end, the stream goes on', upstreamStream?.closedAt, undefined)
  expect('past its first end, the WebSocket goes on', await socket.echo('still here'), 'still here')
  expect('past its first end, requests go on', (await as.ben('GET', '/v1/orders')).status, 200)
  socket.flood()
  const sentAt = preciseNow()
  const revoked = await slash(scene, `revoke ${pass}`)
  if (isUnconfirmed(revoked.answer)) await revokeAnother(scene)
  else {
    const receipt = '1 of 1 proxy confirmed, 2 streams cut'
    expect('the revocation has its receipt', revoked.answer.includes(receipt) || revoked.answer, true)
    expect('after the revocation: refused', (await as.ben('GET', '/v1/orders')).status, 403)
  }
  await stream.closed
  const { code } = await socket.closed
  expect('the WebSocket is closed with 1008', code, 1008)
  await until('the upstream sees the cut', () => upstreamStream?.closedAt !== undefined)
  await until('the upstream sees the WebSocket end', () => upstreamSocket?.closedAt !== undefined)
  const cutAt = Math.max(upstreamStream?.closedAt ?? Number.NaN, upstreamSocket?.closedAt ?? Number.NaN)
  const lastByteAt = Math.max(upstreamStream?.lastByteAt ?? 0, upstreamSocket?.lastByteInAt ?? 0)
  return { sentToCut: cutAt - sentAt, ackToLastByte: Math.max(0, Math.max(cutAt, lastByteAt) - revoked.at) }
}

/** What Ben is told where the proxy had not confirmed in time, or where he asks again and it had been carried out. */
const isUnconfirmed = (answer: string): boolean => /did not confirm|There is no such pass/.test(answer)

/** A proxy that stood still confirms late, and nobody hears of it: the cut is looked at, and the receipt of another pass. */
const revokeAnother = async (scene: Scene, tries = 4): Promise<void> => {
  const { as, expect, place, number } = scene
  const reads = async (): Promise<number> => (await as.ben('GET', '/v1/orders')).status
  await until('the revocation is carried out', async () => (await reads()) === 403)
  const granted = await slash(scene, `grant ${place.service} 30m because stuck anew (round ${number})`)
  await until('the next pass gives access', async () => (await reads()) === 200)
  const { answer } = await slash(scene, `revoke ${passId.exec(granted.answer)?.[1]}`)
  if (isUnconfirmed(answer) && tries > 1) return revokeAnother(scene, tries - 1)
  expect('another revocation has its receipt', answer.includes('1 of 1 proxy confirmed') || answer, true)
  await until('the other revocation is carried out', async () => (await reads()) === 403)
}

/** Ben is paged by an integration that nobody trusts: he is only offered the pass. His incident is merged into the first. */
const takeAndMerge = async (scene: Scene, parent: string): Promise<{ readonly takenToAccess: number }> => {
  const { stack, place, as, expect, number } = scene
  const { incidents } = stack.world.pagerduty
  const title = `late orders (round ${number})`
  const child = incidents.trigger({
    service: place.pagerduty,
    title,
    by: email(place.pagerduty.id),
    urgency: 'high',
    assignTo: people.ben.pagerduty.user,
  })
  await offered(stack, people.ben, title)
  expect('an offer gives no access yet', (await as.ben('GET', '/v1/orders')).status, 403)
  const taken = await take(stack, people.ben, title)
  await taken.until(
    'the taken offer gives access',
    async () => (await as.ben('GET', '/v1/orders')).status === 200,
  )
  const takenToAccess = preciseNow() - taken.at
  expect(
    'the taken tier reaches its writes',
    (await as.ben('POST', '/v1/orders/7/retry', '{"reason":"late"}')).status,
    200,
  )
  const again = await stack.world.slack.click(people.ben, undefined, 'take').catch(() => undefined)
  const failure = isPutOff.test(again?.failure ?? '') ? undefined : again?.failure
  expect('a taken offer has no button left, or does nothing', failure, undefined)
  incidents.merge([child.id], parent, byHand(people.ana))
  await until('the pass moved to the parent', async () =>
    (await slash(scene, 'list')).answer.includes(`stuck orders (round ${number})`),
  )
  expect('the moved pass still gives access', (await as.ben('GET', '/v1/orders')).status, 200)
  return { takenToAccess }
}

/** The paged person resolves the incident: every pass of it ends, the merged one too. */
const resolve = async (
  { stack, place, as, expect, ...scene }: Scene,
  incident: string,
  pagedStream: { readonly closed: Promise<void> },
): Promise<number> => {
  const upstream = serviceOf({ stack, place, as, expect, ...scene })
    .streams()
    .at(-1)
  expect('another’s stream went on', upstream?.closedAt, undefined)
  const resolvedAt = preciseNow()
  stack.world.pagerduty.incidents.resolve(incident, byHand(place.paged))
  await pagedStream.closed
  await until('the upstream sees the end', () => upstream?.closedAt !== undefined)
  const after = await as.paged('GET', '/v1/orders')
  expect('after the incident: refused', after.status, 403)
  expect('the refusal names the command', problem(after).ask, `/access grant ${place.service} 1h observe`)
  await until('the merged pass ended too', () =>
    as.ben('GET', '/v1/orders').then(
      ({ status }) => status === 403,
      // It was under way when the pass ended, and was cut with it.
      () => false,
    ),
  )
  return (upstream?.closedAt ?? Number.NaN) - resolvedAt
}

export const expecting =
  (violated: Violated) =>
  (what: string, got: unknown, wanted: unknown): void => {
    if (got !== wanted) violated(`${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`)
  }
