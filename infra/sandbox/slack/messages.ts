import { EventEmitter, once } from 'node:events'
import { z } from 'zod'
import { openStateFile } from '../state-file.ts'
import { blocksSchema } from './block-kit.ts'

const messageSchema = z.object({
  channel: z.string(),
  ts: z.string(),
  user: z.string(),
  text: z.string(),
  blocks: blocksSchema.optional(),
  thread_ts: z.string().optional(),
  edited: z.object({ user: z.string(), ts: z.string() }).optional(),
  /** Set when only this user sees it ("Only visible to you"). */
  visibleTo: z.string().optional(),
  /** The command or click it answers. */
  answers: z.string().optional(),
})
const stateSchema = z.object({ lastTs: z.number(), messages: z.array(messageSchema) })

export type Message = z.infer<typeof messageSchema>

export const createMessages = (stateFile: string | undefined, now: () => number) => {
  const { state, save } = openStateFile(stateFile, stateSchema, { lastTs: 0, messages: [] })
  const changes = new EventEmitter()
  changes.setMaxListeners(0)
  const changed = (): void => {
    save()
    changes.emit('change')
  }

  /** Seconds and six digits, never the same twice in the workspace, always rising. */
  const nextTs = (): string => {
    state.lastTs = Math.max(now() * 1000, state.lastTs + 1)
    return `${Math.floor(state.lastTs / 1e6)}.${String(state.lastTs % 1e6).padStart(6, '0')}`
  }

  return {
    nextTs,

    append(message: Omit<Message, 'ts'>): Message {
      const kept = { ...message, ts: nextTs() }
      state.messages.push(kept)
      changed()
      return kept
    },

    /** Everything anybody sees, oldest first. */
    all: (): readonly Message[] => state.messages,

    find: (channel: string, ts: string): Message | undefined =>
      state.messages.find((message) => message.channel === channel && message.ts === ts),

    replace(old: Message, next: Message): Message {
      state.messages[state.messages.indexOf(old)] = next
      changed()
      return next
    },

    remove(old: Message): void {
      state.messages.splice(state.messages.indexOf(old), 1)
      changed()
    },

    /** What everyone in the channel sees, oldest first. */
    inChannel: (channel: string): readonly Message[] =>
      state.messages.filter((message) => message.channel === channel && message.visibleTo === undefined),

    /** What only this user sees, oldest first, in whichever channel. */
    visibleOnlyTo: (user: string): readonly Message[] =>
      state.messages.filter((message) => message.visibleTo === user),

    /** Every answer to one command or click, oldest first. */
    answering: (id: string): readonly Message[] => state.messages.filter((message) => message.answers === id),

    /** Resolves when a message comes, changes or goes; rejects when the signal is aborted first. */
    async nextChange(signal: AbortSignal): Promise<void> {
      await once(changes, 'change', { signal })
    },
  }
}

export type Messages = ReturnType<typeof createMessages>
