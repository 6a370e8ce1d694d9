import { useId, useState } from "react";
import { Button } from "@/controls/Button";

/**
 * Asks for the key of a service that wants one. It is kept in memory only. The field has HeroUI's look but not its code,
 * which brings along lists, menus and dialogs that every visitor would load for the few who need a key.
 */
export function ApiKeyField({ onKey }: { onKey: (key: string) => void }) {
  const [text, setText] = useState("");
  const id = useId();
  return (
    <form
      className="mt-3 flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onKey(text.trim());
      }}
    >
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <label htmlFor={id} className="label">API key</label>
        <input
          id={id}
          type="password"
          autoComplete="off"
          className="input input--primary w-full border border-border"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <Button type="submit">Use it</Button>
    </form>
  );
}
