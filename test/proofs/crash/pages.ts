import { type Person, people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { dmWith } from '#infra/sandbox/slack/workspace.ts'
import { byHand, datadog, email, type Place } from '../../journey/places.ts'
import { randomOf } from '../random.ts'
import { command, linger, liveOn, passIn, type Scene, untilDone } from './scene.ts'

/** One service is paged for again and again: taken, reassigned, merged, and resolved by a person. */
export const bePaged = (scene: Scene, place: Place): Promise<void> => {
  const { stack, ledger, seed } = scene
  const { incidents } = stack.world.pagerduty
  const { paged, service } = place
  const name = `pages of ${service}`
  const random = randomOf(seed, name)

  const trigger = (title: string, by: ReturnType<typeof datadog | typeof email>, to: Person): string => {
    const { id } = incidents.trigger({
      service: place.pagerduty,
      title,
      by,
      urgency: 'high',
      assignTo: to.pagerduty.user,
    })
    ledger.counts.pages += 1
    ledger.happened()
    return id
  }

  const resolve = (incident: string): void => {
    incidents.resolve(incident, byHand(paged))
    ledger.resolved.set(incident, Date.now())
    ledger.happened()
  }

  /** Whatever way the pass comes, its holder sees it in their list. */
  const held = async (person: Person, title: string): Promise<void> => {
    const since = performance.now()
    const pass = await untilDone(scene, `${person.name} has the pass of “${title}”`, async () =>
      passIn(await heldLine(scene, person, title)),
    )
    ledger.passAfterMs.push(performance.now() - since)
    ledger.promise({ kind: 'given', pass, to: `${person.name} for “${title}”`, at: Date.now() })
  }

  const accept = async (person: Person, incident: string, title: string, click: boolean): Promise<void> => {
    if (click) await take(scene, person, title, service)
    else {
      await offered(scene, person, title)
      incidents.acknowledge(incident, person.pagerduty.user)
      ledger.happened()
    }
    await held(person, title)
  }

  const receive = async (incident: string, title: string): Promise<void> => {
    if (place.how === 'auto') await held(paged, title)
    else await accept(paged, incident, title, random.chance(0.5))
  }

  const reassign = async (incident: string, title: string): Promise<void> => {
    incidents.reassign(incident, [people.ben.pagerduty.user], byHand(paged))
    ledger.happened()
    if (place.how === 'auto') await held(people.ben, title)
    else await accept(people.ben, incident, title, random.chance(0.5))
    await gone(scene, paged, title)
  }

  const merge = async (parent: string, title: string): Promise<void> => {
    const late = `late ${title}`
    const child = trigger(late, email(place.pagerduty.id), people.ben)
    try {
      await accept(people.ben, child, late, true)
    } finally {
      incidents.merge([child], parent, byHand(people.ana))
      ledger.happened()
    }
    await gone(scene, people.ben, late)
    await held(people.ben, title)
  }

  const life = async (number: number): Promise<void> => {
    const title = `crash ${service} ${number}.`
    const incident = trigger(title, datadog(place.pagerduty.id), paged)
    try {
      if (random.chance(0.15)) {
        // Over before anybody has done anything about it.
        await linger(scene, random.between(0, 1_500))
        return
      }
      await receive(incident, title)
      await linger(scene, random.between(500, 6_000))
      const course = random.between(0, 3)
      if (course < 1) await reassign(incident, title)
      else if (course < 2) await merge(incident, title)
      await linger(scene, random.between(0, 3_000))
    } finally {
      resolve(incident)
    }
    await gone(scene, paged, title)
    await gone(scene, people.ben, title)
  }
  return liveOn(scene, name, life, () => random.between(1_000, 6_000))
}

/** The line of somebody's list about an active pass of an incident; empty where there is none. */
const heldLine = async (scene: Scene, person: Person, title: string): Promise<string> =>
  (await listed(scene, person))
    .split('\n')
    .find((line) => line.includes(`“${title}”`) && line.includes(' until ')) ?? ''

const listed = async (scene: Scene, person: Person): Promise<string> => {
  const answer = await command(scene, person, 'list')
  if (!answer.startsWith('You have ')) throw new Error(answer)
  return answer
}

/** Neither pass nor offer of the incident is left in somebody's list. */
const gone = async (scene: Scene, person: Person, title: string): Promise<void> => {
  await untilDone(
    scene,
    `nothing of “${title}” is left with ${person.name}`,
    async () => !(await listed(scene, person)).includes(`“${title}”`) || undefined,
  )
}

const offerTo = ({ stack }: Scene, person: Person, title: string) => {
  const direct = dmWith(person.slack.user)
  return direct === undefined
    ? undefined
    : stack.world.slack.messagesIn(direct).findLast((message) => {
        const text = messageText(message)
        return text.includes(`“${title}”`) && text.includes('[Take]')
      })
}

const offered = (scene: Scene, person: Person, title: string) =>
  untilDone(scene, `${person.name} is offered the pass of “${title}”`, async () =>
    offerTo(scene, person, title),
  )

/** Clicks Take until the pass is in the list, and notes what the clicks were answered. */
const take = async (scene: Scene, person: Person, title: string, service: string): Promise<void> => {
  const { stack, ledger } = scene
  const offer = await offered(scene, person, title)
  const pass = /"value":"([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})\./.exec(JSON.stringify(offer.blocks))?.[1]
  const before = stack.world.slack.visibleOnlyTo(person).length
  await untilDone(scene, `${person.name} takes the offer of “${title}”`, async () => {
    const { failure } = await stack.world.slack.click(person, offer, 'take')
    if (failure !== undefined) throw new Error(failure)
    return true
  })
  await untilDone(scene, `the taken offer of “${title}” is a pass`, async () => {
    const line = await heldLine(scene, person, title)
    if (line !== '') return true
    await stack.world.slack.click(person, offer, 'take')
    return undefined
  })
  const answered = stack.world.slack
    .visibleOnlyTo(person)
    .slice(before)
    .some((message) => {
      const text = messageText(message)
      return (
        message.channel === offer.channel && text.startsWith('You have a pass: ') && text.includes(service)
      )
    })
  if (answered && pass !== undefined)
    ledger.promise({ kind: 'taken', pass, to: `${person.name} for “${title}”`, at: Date.now() })
}
