import { readFile } from 'node:fs/promises'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import type { Stack } from '../running-stack.ts'
import type { Round } from './round.ts'

/** Slack takes about one message a second and channel; every round leaves four in one. */
const patienceMs = (rounds: number): number => 30_000 + rounds * 5_000

/** Every occasion was summed up in its channel, exactly once, with what was done. */
export const checkSummaries = async (
  stack: Stack,
  rounds: readonly Round[],
  violated: (what: string) => void,
): Promise<void> => {
  const textsOf = (channel: string): string[] => {
    const found = channelNamed(channel)
    return found === undefined ? [] : stack.world.slack.messagesIn(found).map(messageText)
  }
  const wanted = rounds.flatMap(({ channel, summaries }) => summaries.map((parts) => ({ channel, parts })))
  const found = ({ channel, parts }: (typeof wanted)[number]): number =>
    textsOf(channel).filter((text) => text.startsWith('Access') && parts.every((part) => text.includes(part)))
      .length
  const deadline = performance.now() + patienceMs(rounds.length)
  while (performance.now() < deadline && wanted.some((one) => found(one) === 0)) {
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  for (const one of wanted) {
    const times = found(one)
    if (times !== 1)
      violated(`a summary was posted ${times} times in ${one.channel}: ${one.parts.join(' | ')}`)
  }
}

type AuditLine = { readonly kind: string; readonly id?: string }

const readAudit = async (file: string): Promise<AuditLine[]> => {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as AuditLine)
}

/** The record of a close is not waited for by anybody, so it may come a moment after the answer. */
const closesWithinMs = 2_000

/** Every request that reached an upstream has an admit record, and what was admitted was closed. */
export const checkAudit = async (stack: Stack, violated: (what: string) => void): Promise<void> => {
  const deadline = performance.now() + closesWithinMs
  for (;;) {
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
    const seen = stack.world.orders.requests() + stack.world.payments.requests()
    if (seen !== admitted.size)
      violated(`upstreams saw ${seen} requests, the audit admitted ${admitted.size}`)
    if (open.length > 0) violated(`${open.length} admitted requests were never closed in the audit`)
    return
  }
}
