import { setTimeout as sleep } from 'node:timers/promises'
import { describeExit, type StartedProcess } from './processes.ts'
import { SandboxError } from './sandbox-error.ts'

export interface ReadyOptions {
  process: Pick<StartedProcess, 'name' | 'logFile' | 'logTail' | 'exited'>
  /** Milliseconds; default 30,000. */
  timeoutMs?: number
  /** Aborted, it is waited for no longer: that rejects. */
  signal?: AbortSignal
}

/** Asks `url` until it answers 200; fails at once when the process has ended. */
export async function waitReady(
  url: string,
  { process, timeoutMs = 30_000, signal }: ReadyOptions,
): Promise<void> {
  const settled = new AbortController()
  const late = AbortSignal.timeout(timeoutMs)
  const giveUp = AbortSignal.any([settled.signal, late, ...(signal === undefined ? [] : [signal])])
  const died = process.exited.then((exit) => {
    throw new SandboxError(
      'process_died',
      `${process.name} ${describeExit(exit)} before it was ready. It logged last:\n${indent(process.logTail())}`,
      `The whole log is in ${process.logFile}.`,
    )
  })
  try {
    await Promise.race([pollUntilReady(url, process, giveUp, timeoutMs), died])
  } finally {
    settled.abort()
    died.catch(() => {}) // its later end is not ours to report
  }
}

async function pollUntilReady(
  url: string,
  process: ReadyOptions['process'],
  giveUp: AbortSignal,
  timeoutMs: number,
): Promise<void> {
  let answer = 'no answer'
  while (!giveUp.aborted) {
    try {
      const response = await fetch(url, { signal: AbortSignal.any([giveUp, AbortSignal.timeout(2_000)]) })
      const body = await response.text()
      if (response.status === 200) return
      answer = `${response.status} ${body.trim().slice(0, 500)}`.trim()
    } catch (error) {
      if (!giveUp.aborted) answer = faultOf(error)
    }
    await sleep(100, undefined, { signal: giveUp }).catch(() => {})
  }
  throw new SandboxError(
    'process_not_ready',
    `${process.name} was not ready after ${timeoutMs / 1000} s. ${url} last said: ${answer}`,
    `See why in ${process.logFile}.`,
  )
}

/** fetch hides the reason ("ECONNREFUSED") in the cause of "fetch failed". */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message
}

function indent(text: string): string {
  return (text || '(nothing)').replaceAll(/^/gm, '  ')
}
