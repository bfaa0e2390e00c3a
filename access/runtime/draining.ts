/**
 * How far this process has got: it drains when it takes nothing new and waits for what is open, and stops when it ends
 * that too. One process stops once, and never turns back.
 */
export type Phase = 'running' | 'draining' | 'stopping'

let phase: Phase = 'running'

export const phaseNow = (): Phase => phase

export const enterPhase = (next: Exclude<Phase, 'running'>): void => {
  phase = next
}
