import { setTimeout as pause } from 'node:timers/promises'
import type { Person } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import type { Stack } from '../../running-stack.ts'
import type { Ledger } from './ledger.ts'

export type Scene = {
  readonly stack: Stack
  readonly seed: number
  readonly ledger: Ledger
  /** Aborted, nobody begins anything new. */
  readonly closing: AbortSignal
  /** Aborted, everybody drops everything. */
  readonly dropped: AbortSignal
}

/** Takes one's time, unless the day is closing. */
export const linger = async ({ closing, dropped }: Scene, milliseconds: number): Promise<void> => {
  await pause(milliseconds, undefined, { signal: closing }).catch(() => undefined)
  dropped.throwIfAborted()
}

/** Whoever tried for so long in vain was locked out. */
const patienceMs = 120_000

/**
 * What a person at 3 a.m. does about an error, a refusal or silence: tries again. Rejects when it was in vain for two
 * minutes.
 */
export const untilDone = async <T>(
  scene: Scene,
  what: string,
  attempt: () => Promise<T | undefined>,
  againMs = 250,
): Promise<T> => {
  const deadline = performance.now() + patienceMs
  let last = 'nothing'
  for (;;) {
    scene.dropped.throwIfAborted()
    try {
      const done = await attempt()
      if (done !== undefined) return done
    } catch (error) {
      last = (error as Error).message
    }
    if (performance.now() > deadline)
      throw new Error(`for two minutes nobody managed: ${what} (last: ${last})`)
    scene.ledger.counts.tried_again += 1
    await pause(againMs, undefined, { signal: scene.dropped })
  }
}

/** What `/access` answers; rejects with what Slack shows in its place. */
export const command = async ({ stack }: Scene, person: Person, text: string): Promise<string> => {
  const { answer, failure } = await stack.world.slack.sendCommand(person, '/access', text)
  if (answer === undefined) throw new Error(failure ?? 'no answer')
  return messageText(answer)
}

export const passIn = (text: string): string | undefined =>
  /[Pp]ass `([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})`/.exec(text)?.[1]

/** Lives one life after the other, until no more are begun. One that fails is a violation. */
export const liveOn = async (
  scene: Scene,
  name: string,
  life: (number: number) => Promise<void>,
  betweenMs: () => number,
): Promise<void> => {
  for (let number = 1; !scene.closing.aborted; number += 1) {
    try {
      await life(number)
    } catch (error) {
      if (scene.dropped.aborted) return
      scene.ledger.violated(`${name} ${number}: ${(error as Error).message}`)
    }
    await pause(betweenMs(), undefined, { signal: scene.closing }).catch(() => undefined)
  }
}
