import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import type { Stack } from '../running-stack.ts'
import type { Round } from './round.ts'

/** Slack takes about one message a second and channel, and 50 updates a minute; every round leaves several. */
const patienceMs = (rounds: number): number => 60_000 + rounds * 10_000

const textsOf = (stack: Stack, channel: string): string[] => {
  const found = channelNamed(channel)
  return found === undefined ? [] : stack.world.slack.messagesIn(found).map(messageText)
}

/**
 * Every occasion was summed up in its channel, exactly once, with what was done; its one live message says how it ended;
 * and the incident in PagerDuty has the summary as its one note.
 */
export const checkTold = async (
  stack: Stack,
  rounds: readonly Round[],
  violated: (what: string) => void,
): Promise<void> => {
  const wanted = rounds.flatMap(({ channel, summaries, live }) => [
    ...summaries.map((parts) => ({ channel, parts, summary: true })),
    ...live.map((parts) => ({ channel, parts, summary: false })),
  ])
  const found = ({ channel, parts, summary }: (typeof wanted)[number]): number =>
    textsOf(stack, channel).filter(
      (text) => isSummary(text) === summary && parts.every((part) => text.includes(part)),
    ).length
  const deadline = performance.now() + patienceMs(rounds.length)
  while (performance.now() < deadline && wanted.some((one) => found(one) === 0)) {
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  for (const one of wanted) {
    const times = found(one)
    const what = one.summary ? 'a summary' : 'a live message'
    if (times !== 1) violated(`${what} was posted ${times} times in ${one.channel}: ${one.parts.join(' | ')}`)
  }
  for (const { incident } of rounds) await checkNote(stack, incident, deadline, violated)
}

const isSummary = (text: string): boolean =>
  text.startsWith('Access during') || text.startsWith('Access, summed up')

const notesShape = z.object({ notes: z.array(z.object({ content: z.string() })) })

/** It is added by a job of its own, beside those that post. */
const checkNote = async (
  stack: Stack,
  incident: string,
  deadline: number,
  violated: (what: string) => void,
): Promise<void> => {
  const count = async (): Promise<number> => {
    const response = await fetch(`${stack.world.urls.pagerduty}/incidents/${incident}/notes`, {
      headers: { authorization: `Token token=${stack.secrets.pagerdutyToken}` },
    })
    const { notes } = notesShape.parse(await response.json())
    return notes.filter(({ content }) => content.includes('It ended because the incident ended')).length
  }
  while (performance.now() < deadline && (await count()) === 0) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const found = await count()
  if (found !== 1) violated(`incident ${incident} has ${found} notes with its summary`)
}

type AuditLine = {
  readonly kind: string
  readonly id?: string
  readonly status?: number
  readonly outcome?: string
}

const readAudit = async (file: string): Promise<AuditLine[]> => {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as AuditLine)
}

/** The record of a close is not waited for by anybody, so it may come a moment after the answer. */
const closesWithinMs = 30_000

/** Every request that reached an upstream has an admit record, and what was admitted was closed. */
export const checkAudit = async (stack: Stack, violated: (what: string) => void): Promise<void> => {
  const deadline = performance.now() + closesWithinMs
  const reached = (): number => stack.world.orders.requests() + stack.world.payments.requests()
  for (;;) {
    // Others may go on calling: what has reached an upstream by now is in what is read after, and the other way round.
    const before = reached()
    const records = await readAudit(stack.auditFile)
    const idsOf = (kind: string) =>
      new Set(records.filter((record) => record.kind === kind).map(({ id }) => id))
    const admitted = idsOf('admitted')
    const closed = idsOf('closed')
    const open = [...admitted].filter((id) => !closed.has(id))
    if (open.length > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      continue
    }
    const after = reached()
    // A pass may end after its request was recorded and before it was sent, or answered.
    const unanswered = records.filter(
      ({ kind, status, outcome }) => kind === 'closed' && (status === 0 || outcome === 'refused'),
    ).length
    if (before > admitted.size || after < admitted.size - unanswered)
      violated(
        `upstreams saw ${before} to ${after} requests, the audit admitted ${admitted.size} (${unanswered} unanswered)`,
      )
    if (open.length > 0) violated(`${open.length} admitted requests were never closed in the audit`)
    return
  }
}
