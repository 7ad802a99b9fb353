/** A call of a port's method, as it passes. */
export interface Call {
  /** As `uploadPart`, or `leases.take`. */
  readonly name: string
  readonly args: readonly unknown[]
  /** How often the method was called, counting this one. */
  readonly nth: number
}

/** What to do with a call before, or after, it is passed on. What it throws, the caller gets. */
export type Intervention = (call: Call) => void | Promise<void>

/**
 * Stands between the worker and a port, the real thing behind it, so that a test can hold, fail or follow a call at an exact
 * point. Methods of objects in objects are known by their path.
 */
export class Interposer {
  readonly calls: Call[] = []
  readonly #before = new Map<string, Intervention>()
  readonly #after = new Map<string, Intervention>()
  readonly #instead = new Map<string, (...args: unknown[]) => unknown>()
  readonly #released = Promise.withResolvers<never>()
  readonly #wasSevered = Promise.withResolvers<void>()
  #severed = false

  constructor() {
    this.#released.promise.catch(() => undefined)
  }

  /** Replaces what was to be done before such calls; nothing: they pass. */
  before(name: string, intervention?: Intervention): void {
    this.#set(this.#before, name, intervention)
  }

  after(name: string, intervention?: Intervention): void {
    this.#set(this.#after, name, intervention)
  }

  /** All calls pass from now on. */
  relent(): void {
    this.#before.clear()
    this.#after.clear()
  }

  /** Answers such calls in the port's stead. */
  instead(name: string, method: (...args: unknown[]) => unknown): void {
    this.#instead.set(name, method)
  }

  named(name: string): Call[] {
    return this.calls.filter((call) => call.name === name)
  }

  /**
   * From now on no call passes and none returns, as if the process had been killed, or stopped: what it had asked for may
   * happen all the same.
   */
  sever(): void {
    this.#severed = true
    this.#wasSevered.resolve()
  }

  get whenSevered(): Promise<void> {
    return this.#wasSevered.promise
  }

  /** After `sever`: as when a stopped process goes on. */
  mend(): void {
    this.#severed = false
  }

  /** Ends the calls that are held by `sever`, so that the process can end. */
  release(): void {
    this.#released.reject(new Error('the process was killed long ago'))
  }

  /** The port, with this in front of it. */
  around<T extends object>(port: T, path = ''): T {
    return new Proxy(port, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof property === 'symbol') return typeof value === 'function' ? value.bind(target) : value
        const name = path + property
        if (typeof value === 'function') return this.#method(name, value.bind(target))
        return typeof value === 'object' && value !== null ? this.around(value, `${name}.`) : value
      },
    })
  }

  #method(name: string, method: (...args: unknown[]) => unknown) {
    return (...args: unknown[]): unknown => {
      const call = { name, args, nth: this.named(name).length + 1 }
      this.calls.push(call)
      if (SYNCHRONOUS.test(name)) return method(...args)
      if (ITERATING.test(name)) return this.#iterate(call, () => method(...args) as AsyncIterable<unknown>)
      return this.#pass(call, method)
    }
  }

  async #pass(call: Call, method: (...args: unknown[]) => unknown): Promise<unknown> {
    await this.#unlessSevered()
    await this.#before.get(call.name)?.(call)
    await this.#unlessSevered()
    const result = await (this.#instead.get(call.name) ?? method)(...call.args)
    await this.#after.get(call.name)?.(call)
    await this.#unlessSevered()
    return result
  }

  async *#iterate(call: Call, method: () => AsyncIterable<unknown>): AsyncGenerator<unknown> {
    await this.#unlessSevered()
    await this.#before.get(call.name)?.(call)
    yield* method()
  }

  async #unlessSevered(): Promise<void> {
    if (this.#severed) await this.#released.promise
  }

  #set(map: Map<string, Intervention>, name: string, intervention: Intervention | undefined): void {
    if (intervention) map.set(name, intervention)
    else map.delete(name)
  }
}

const SYNCHRONOUS = /^(uri|onWork|onJobs|consume)$/
const ITERATING = /^(list|listUploads)$/

/** The signal that a call of an object store, or of anything else, was given: its last argument, or in its options. */
export function signalOf({ name, args }: Call): AbortSignal {
  const last = args.at(-1)
  const signal = last instanceof AbortSignal ? last : (last as { signal?: unknown } | undefined)?.signal
  if (signal instanceof AbortSignal) return signal
  throw new Error(`${name} was given no signal`)
}

/** A point that a call reaches and waits at, until the test opens it. */
export class Gate {
  readonly #reached = Promise.withResolvers<Call>()
  readonly #open = Promise.withResolvers<void>()

  /** Resolves with the first call that comes. */
  get reached(): Promise<Call> {
    return this.#reached.promise
  }

  open(): void {
    this.#open.resolve()
  }

  /** As an intervention: the call waits until the gate is opened, or its signal fires. */
  readonly hold: Intervention = async (call) => {
    this.#reached.resolve(call)
    await Promise.race([this.#open.promise, aborted(signalOf(call))])
  }

  /** As `hold`, deaf to the call's signal. */
  readonly holdDeaf: Intervention = async (call) => {
    this.#reached.resolve(call)
    await this.#open.promise
  }
}

async function aborted(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
