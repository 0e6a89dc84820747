package profile

import (
	"maps"
	"strings"
	"testing"
)

const kernel = " (" + kernelObject + ")"

func TestUse(t *testing.T) {
	for _, c := range []struct {
		want  Use
		stack []string // innermost first, as perf shows a function after its address
	}{
		{Cipher, []string{"crypto/internal/fips140/aes/gcm.gcmAesEnc.abi0 (/tmp/chunkcp)", "main.main (/tmp/chunkcp)"}},
		{Cipher, []string{"[unknown] (/usr/lib/x86_64-linux-gnu/libcrypto.so.3)"}},
		{Hash, []string{"chunkcp/internal/tree.compressChunks512.abi0 (/tmp/chunkcp)"}},
		{Hash, []string{"[unknown] (/usr/lib/x86_64-linux-gnu/libxxhash.so.0.8.1)"}},
		{Program, []string{"chunkcp/arq.(*Sender).Poll (/tmp/chunkcp)"}},
		{Program, []string{"[unknown] ([unknown])"}},
		// What is called by a copy is not one.
		{Copies, []string{"_copy_to_iter" + kernel, "udp_recvmsg" + kernel, "__x64_sys_recvmmsg" + kernel, "main.main (/tmp/a)"}},
		{Copies, []string{"rep_movs_alternative" + kernel, "copy_user" + kernel, "tcp_sendmsg" + kernel}},
		{Copies, []string{"__pi_memcpy" + kernel, "copy_folio_from_iter_atomic" + kernel, "shmem_file_write_iter" + kernel}},
		{Pages, []string{"get_page_from_freelist" + kernel, "alloc_pages_noprof" + kernel, "shmem_get_folio_gfp" + kernel, "__x64_sys_pwrite64" + kernel}},
		{Pages, []string{"clear_page_erms" + kernel, "asm_exc_page_fault" + kernel}},
		{Waits, []string{"_raw_spin_unlock_irqrestore" + kernel, "try_to_wake_up" + kernel, "sock_def_readable" + kernel, "udp_sendmsg" + kernel}},
		{Waits, []string{"finish_task_switch.isra.0" + kernel, "schedule" + kernel, "__x64_sys_futex" + kernel}},
		{Waits, []string{"irqentry_exit_to_user_mode" + kernel, "asm_sysvec_apic_timer_interrupt" + kernel}},
		{Network, []string{"net_rx_action" + kernel, "asm_sysvec_apic_timer_interrupt" + kernel}},
		{Network, []string{"__ip_append_data" + kernel, "ip_make_skb" + kernel, "udp_sendmsg" + kernel}},
		{Files, []string{"xas_load" + kernel, "filemap_get_read_batch" + kernel, "vfs_read" + kernel}},
		{Kernel, []string{"entry_SYSCALL_64_after_hwframe" + kernel, "futex (/tmp/chunkcp)"}},
	} {
		var stack []frame
		for _, line := range c.stack {
			f, err := parseFrame("ffffffff81baf9f0 " + line)
			if err != nil {
				t.Fatal(err)
			}
			stack = append(stack, f)
		}
		if got := use(stack); got != c.want {
			t.Errorf("%s, want %s: %q", got, c.want, c.stack)
		}
	}
}

// As perf 6.1 prints them: names may hold spaces and parentheses.
const script = `    7419 
	ffffffff81baf9f0 _copy_to_iter ([kernel.kallsyms])
	ffffffff81a00ff0 do_syscall_64 ([kernel.kallsyms])
	          40a1b2 syscall.Syscall6 (/tmp/chunkcp)

    7419 
	          47b0c0 chunkcp/arq.(*Sender).Poll (/tmp/chunkcp)

       0 
	ffffffff81e4d0ab pv_native_safe_halt ([kernel.kallsyms])

      11 
	          401000 f(int, char) (/usr/bin/with space)

      12 
	          401000 g (/usr/bin/perf)
`

func TestRead(t *testing.T) {
	got, err := read(strings.NewReader(script), 11, 12)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[Use]int{Copies: 1, Program: 1}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got, err = read(strings.NewReader(script)); err != nil || got[Program] != 3 {
		t.Errorf("%v, %v: nobody was left out", got, err)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, script := range []string{"perf: no such file\n", "12\n\tno function\n", "12\n\t40 f /tmp/x\n"} {
		if got, err := read(strings.NewReader(script)); err == nil {
			t.Errorf("%q: counted %v", script, got)
		}
	}
}
