import { Component, createContext, lazy, Suspense, use, useState, type ComponentType } from "react";
import type { ReactNode } from "react";

/** What to do where a script cannot be fetched: without a connection, or when a newer page replaced it. */
export const ScriptMissing = createContext<() => void>(() => undefined);

/**
 * A component in a script of its own, and `ahead`, which fetches it before it is needed. Fetched ahead, it is
 * rendered with all else; else its place is empty until it comes, and nothing around it waits. Where it
 * cannot be fetched its place stays empty, `missing` gets its props, and the next time it is tried again.
 */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  missing: (props: Props) => void = () => undefined,
) {
  let fetched: ComponentType<Props> | null = null;
  const tried = () =>
    lazy(async () => {
      try {
        return { default: await load() };
      } catch (cause) {
        Lazy = tried();
        throw new NotFetched("A script of this page could not be fetched", { cause });
      }
    });
  let Lazy = tried();
  function Place(props: Props) {
    const tell = use(ScriptMissing);
    const [Content] = useState<ComponentType<Props>>(() => fetched ?? Lazy); // kept, and with it its state
    const onMissing = () => {
      tell();
      missing(props);
    };
    return (
      <EmptyIfMissing onMissing={onMissing}>
        <Suspense>
          <Content {...props} />
        </Suspense>
      </EmptyIfMissing>
    );
  }
  const ahead = async () => {
    fetched = await load();
  };
  return Object.assign(Place, { ahead });
}

/** A dialog that is its script's default; where it cannot be fetched it counts as closed. */
export function laterDialog<Props extends { onClose: () => void }>(
  load: () => Promise<{ default: ComponentType<Props> }>,
) {
  return later(
    () => load().then((script) => script.default),
    ({ onClose }) => onClose(),
  );
}

class NotFetched extends Error {}

interface Props {
  onMissing: () => void;
  children: ReactNode;
}

/** Only classes catch what is thrown below them. Any other error goes on up. */
class EmptyIfMissing extends Component<Props, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidCatch(error: unknown) {
    if (error instanceof NotFetched) this.props.onMissing();
  }

  override render() {
    const error: unknown = this.state.error;
    if (error && !(error instanceof NotFetched)) throw error as Error;
    return error ? null : this.props.children;
  }
}
