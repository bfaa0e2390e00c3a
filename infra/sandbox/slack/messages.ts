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
  /** The slash command it answers. */
  command: z.string().optional(),
})
const stateSchema = z.object({ lastTs: z.number(), messages: z.array(messageSchema) })

export type Message = z.infer<typeof messageSchema>

export const createMessages = (stateFile: string | undefined, now: () => number) => {
  const { state, save } = openStateFile(stateFile, stateSchema, { lastTs: 0, messages: [] })
  const appended = new EventEmitter()
  appended.setMaxListeners(0)

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
      save()
      appended.emit('message', kept)
      return kept
    },

    find: (channel: string, ts: string): Message | undefined =>
      state.messages.find((message) => message.channel === channel && message.ts === ts),

    replace(old: Message, changed: Message): void {
      state.messages[state.messages.indexOf(old)] = changed
      save()
    },

    remove(old: Message): void {
      state.messages.splice(state.messages.indexOf(old), 1)
      save()
    },

    /** What everyone in the channel sees, oldest first. */
    inChannel: (channel: string): readonly Message[] =>
      state.messages.filter((message) => message.channel === channel && message.visibleTo === undefined),

    /** What only this user sees, oldest first, in whichever channel. */
    visibleOnlyTo: (user: string): readonly Message[] =>
      state.messages.filter((message) => message.visibleTo === user),

    /** Every answer to one slash command, oldest first. */
    answering: (command: string): readonly Message[] =>
      state.messages.filter((message) => message.command === command),

    async nextAppended(signal: AbortSignal): Promise<void> {
      await once(appended, 'message', { signal })
    },
  }
}

export type Messages = ReturnType<typeof createMessages>
